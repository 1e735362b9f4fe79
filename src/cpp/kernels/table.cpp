#include "table.h"

#define FASTNN_TEXT_OF(name) #name
#define FASTNN_TEXT(name) FASTNN_TEXT_OF(name)
#define FASTNN_DECLARE(noun, Noun)                \
    extern const Noun##Kernels<float> noun##_f32; \
    extern const Noun##Kernels<double> noun##_f64;

namespace fastnn {
namespace FASTNN_TARGET {

FASTNN_DECLARE(dense, Dense)
FASTNN_DECLARE(activation, Activation)
FASTNN_DECLARE(softmax, Softmax)
FASTNN_DECLARE(cross_entropy, CrossEntropy)
FASTNN_DECLARE(loss, Loss)
FASTNN_DECLARE(optimizer, Optimizer)
FASTNN_DECLARE(probe, Probe)
FASTNN_DECLARE(random, Random)

extern const Kernels kernels;
const Kernels kernels = {
    FASTNN_TEXT(FASTNN_TARGET),
    {&dense_f32, &activation_f32, &softmax_f32, &cross_entropy_f32, &loss_f32, &optimizer_f32, &probe_f32, &random_f32},
    {&dense_f64, &activation_f64, &softmax_f64, &cross_entropy_f64, &loss_f64, &optimizer_f64, &probe_f64, &random_f64},
};

}  // namespace FASTNN_TARGET
}  // namespace fastnn
