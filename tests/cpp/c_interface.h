#ifndef FASTNN_TESTS_C_INTERFACE_H
#define FASTNN_TESTS_C_INTERFACE_H

#ifdef __cplusplus
extern "C" {
#endif

/* Computes a dense layer from C; 1 if all is as it should be. */
int c_interface_works(void);

#ifdef __cplusplus
}
#endif

#endif
