/* A C11 program's view of the headers: they compile without a warning, and the functions are there under their names.
 */
#include "c_interface.h"

#include <string.h>

#include "fastnn/fastnn.h"

int c_interface_works(void) {
    const float x[4] = {1.0f, -2.0f, 3.0f, 0.5f}, w[6] = {1.0f, 0.0f, 2.0f, -1.0f, 1.0f, 0.5f},
                b[3] = {0.5f, 0.5f, 0.0f};
    const float expected[6] = {3.5f, 0.0f, 1.0f, 3.0f, 1.0f, 6.25f};
    float y[6];
    _Alignas(FASTNN_ALIGNMENT) unsigned char scratch[4096];
    const size_t bytes = fastnn_dense_scratch_f32(2, 2, 3);
    if (fastnn_abi_version() != FASTNN_ABI_VERSION || strcmp(fastnn_version(), FASTNN_VERSION) != 0) return 0;
    if (bytes > sizeof scratch) return 0;
    if (fastnn_dense_f32(2, 2, 3, x, w, 0, b, FASTNN_RELU, 0.0, y, NULL, scratch, bytes) != FASTNN_OK) return 0;
    return memcmp(y, expected, sizeof y) == 0;
}
