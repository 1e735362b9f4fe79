/* What the C headers share: the mark of what the library exports, status codes and dtypes. C11 and C++17. */
#ifndef FASTNN_BASE_H
#define FASTNN_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(FASTNN_STATIC)
#define FASTNN_API
#elif defined(_WIN32)
#if defined(FASTNN_BUILDING)
#define FASTNN_API __declspec(dllexport)
#else
#define FASTNN_API __declspec(dllimport)
#endif
#else
#define FASTNN_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
#define FASTNN_NOEXCEPT noexcept
extern "C" {
#else
#define FASTNN_NOEXCEPT
#endif

/* What every function of the interface answers that can fail. Nothing has been written unless it is FASTNN_OK. */
typedef enum fastnn_status {
    FASTNN_OK = 0,
    FASTNN_NULL_POINTER = 1,  /* a pointer that must not be null is */
    FASTNN_BAD_SIZE = 2,      /* a size is negative, or so large that its bytes cannot be counted */
    FASTNN_BAD_VALUE = 3,     /* a number or an enumerator is out of its range */
    FASTNN_BAD_DTYPE = 4,     /* neither FASTNN_F32 nor FASTNN_F64, or not the network's */
    FASTNN_BAD_CLASS = 5,     /* a class index is out of range */
    FASTNN_OVERLAP = 6,       /* buffers overlap that must not */
    FASTNN_SMALL_SCRATCH = 7, /* the scratch memory is smaller than the query says, or misaligned */
    FASTNN_NO_MEMORY = 8,
    FASTNN_BAD_STATE = 9,     /* such as training before compiling */
    FASTNN_CANNOT_READ = 10,  /* a file cannot be opened, read or written */
    FASTNN_BAD_FILE = 11,     /* a file is cut, damaged, foreign or newer than this library */
    FASTNN_BAD_MODEL = 12,    /* a file is whole, but its network is none that this library computes */
    FASTNN_WRONG_RESULT = 13, /* a model does not give the output stored with it */
    FASTNN_INTERNAL = 14      /* a defect of the library; please report it */
} fastnn_status;

typedef enum fastnn_dtype { FASTNN_F32 = 0, FASTNN_F64 = 1 } fastnn_dtype;

#ifdef __cplusplus
}
#endif

#endif
