/* A dense layer with gelu, softmax over its result, and a hash of the bytes that come out. */
#include <fastnn/fastnn.h>
#include <inttypes.h>
#include <stdio.h>

enum { BATCH = 32, INPUTS = 48, OUTPUTS = 24 };

static float x[BATCH * INPUTS], w[INPUTS * OUTPUTS], b[OUTPUTS], y[BATCH * OUTPUTS], p[BATCH * OUTPUTS];

/* Numbers in [-0.5, 0.5), exactly the same in every language. */
static void fill(float* values, size_t count, uint32_t* state) {
    for (size_t i = 0; i < count; i++) {
        *state = *state * 1664525u + 1013904223u;
        values[i] = (float)(*state >> 8) / 16777216.0f - 0.5f;
    }
}

/* FNV-1a of 64 bits. */
static uint64_t hash_of(const void* data, size_t bytes) {
    const unsigned char* byte = data;
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < bytes; i++) hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
    return hash;
}

int main(void) {
    uint32_t state = 1;
    fill(x, BATCH * INPUTS, &state);
    fill(w, INPUTS * OUTPUTS, &state);
    fill(b, OUTPUTS, &state);

    if (fastnn_abi_version() != FASTNN_ABI_VERSION) {
        fprintf(stderr, "the headers are not those of libfastnn %s\n", fastnn_version());
        return 1;
    }
    fastnn_status status = fastnn_dense_f32(BATCH, INPUTS, OUTPUTS, x, w, 0, b, FASTNN_GELU, 0.0, y, NULL, NULL, 0);
    if (status == FASTNN_OK) status = fastnn_softmax_f32(BATCH, OUTPUTS, y, p, NULL, 0);
    if (status != FASTNN_OK) {
        fprintf(stderr, "fastnn: %s\n", fastnn_status_string(status));
        return 1;
    }
    printf("%016" PRIx64 "\n", hash_of(p, sizeof p));
    return 0;
}
