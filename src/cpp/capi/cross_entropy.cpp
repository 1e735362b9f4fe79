// The losses over classes in C.
#include "core/cross_entropy.h"

#include <limits>

#include "checks.h"
#include "fastnn/operations.h"

namespace fastnn {
namespace capi {
namespace {

// No class index: categorical_cross_entropy ignores none.
constexpr std::int64_t kNothingIgnored = std::numeric_limits<std::int64_t>::min();

bool read_reduction(fastnn_reduction reduction, ClassReduction& to) {
    if (reduction < FASTNN_NONE || reduction > FASTNN_SUM) return false;
    to = reduction == FASTNN_NONE   ? ClassReduction::none
         : reduction == FASTNN_MEAN ? ClassReduction::mean
                                    : ClassReduction::sum;
    return true;
}

template <class T>
std::size_t class_loss_scratch(std::int64_t rows, std::int64_t classes) {
    return count(rows, classes) < 0 ? 0 : class_loss_scratch_bytes<T>(rows, classes);
}

bool are_classes(const std::int64_t* targets, std::int64_t rows, std::int64_t classes, std::int64_t ignored) {
    bool fine = true;
    for (std::int64_t i = 0; i < rows; ++i) {
        fine &=
            (static_cast<std::uint64_t>(targets[i]) < static_cast<std::uint64_t>(classes)) | (targets[i] == ignored);
    }
    return fine;
}

// The options that all four functions have.
struct Options {
    ClassInput input;
    std::int64_t ignore_index;
    double label_smoothing;
    fastnn_reduction reduction;
    double dloss;
    bool with_grad;
};

template <class T>
fastnn_status class_loss(std::int64_t rows, std::int64_t classes, const T* x, const std::int64_t* targets,
                         const T* probabilities, const T* weight, const T* dlosses, const Options& options, T* loss,
                         T* gradient, Memory scratch) {
    const FpEnvironment environment;
    const std::int64_t n = count(rows, classes);
    const bool by_index = targets != nullptr;
    ClassLoss<T> call = {};
    const bool known = read_reduction(options.reduction, call.reduction);
    const bool none = call.reduction == ClassReduction::none;
    if (!known || !(options.label_smoothing >= 0.0 && options.label_smoothing <= 1.0) ||
        (by_index && probabilities != nullptr) || (dlosses != nullptr && !none)) {
        return FASTNN_BAD_VALUE;
    }
    call.input = options.input;
    call.x = x;
    call.rows = rows;
    call.columns = classes;
    call.targets = {targets, options.ignore_index, probabilities, weight, narrowed<T>(options.label_smoothing)};
    call.losses = none ? loss : nullptr;
    call.gradient = gradient;
    call.dloss = options.dloss;
    call.dlosses = dlosses;
    return run(
        {input(x, n), input(targets, count(rows), true), input(probabilities, n, by_index),
         input(weight, count(classes), true), input(dlosses, count(rows), true), output(loss, none ? count(rows) : 1),
         in_place(gradient, n, !options.with_grad)},
        scratch, [&] { return class_loss_scratch<T>(rows, classes); },
        [&] {
            if (by_index && !are_classes(targets, rows, classes, options.ignore_index)) return FASTNN_BAD_CLASS;
            const double value = fastnn::class_loss<T>(call);
            if (!none) *loss = narrowed<T>(value);
            return FASTNN_OK;
        });
}

}  // namespace
}  // namespace capi
}  // namespace fastnn

using namespace fastnn::capi;
using fastnn::ClassInput;

#define FASTNN_DEFINE(T, S)                                                                                            \
    size_t fastnn_cross_entropy_scratch_##S(int64_t rows, int64_t classes) noexcept {                                  \
        return class_loss_scratch<T>(rows, classes);                                                                   \
    }                                                                                                                  \
    fastnn_status fastnn_cross_entropy_##S(int64_t rows, int64_t classes, const T* logits, const int64_t* targets,     \
                                           const T* probabilities, const T* weight, int64_t ignore_index,              \
                                           double label_smoothing, fastnn_reduction reduction, T* loss, void* scratch, \
                                           size_t scratch_bytes) noexcept {                                            \
        return class_loss<T>(rows, classes, logits, targets, probabilities, weight, nullptr,                           \
                             {ClassInput::logits, ignore_index, label_smoothing, reduction, 1.0, false}, loss,         \
                             nullptr, {scratch, scratch_bytes});                                                       \
    }                                                                                                                  \
    fastnn_status fastnn_cross_entropy_with_grad_##S(                                                                  \
        int64_t rows, int64_t classes, const T* logits, const int64_t* targets, const T* probabilities,                \
        const T* weight, const T* dlosses, int64_t ignore_index, double label_smoothing, fastnn_reduction reduction,   \
        double dloss, T* loss, T* dlogits, void* scratch, size_t scratch_bytes) noexcept {                             \
        return class_loss<T>(rows, classes, logits, targets, probabilities, weight, dlosses,                           \
                             {ClassInput::logits, ignore_index, label_smoothing, reduction, dloss, true}, loss,        \
                             dlogits, {scratch, scratch_bytes});                                                       \
    }                                                                                                                  \
    fastnn_status fastnn_categorical_cross_entropy_##S(                                                                \
        int64_t rows, int64_t classes, const T* p, const int64_t* targets, const T* probabilities, const T* weight,    \
        double label_smoothing, fastnn_reduction reduction, T* loss, void* scratch, size_t scratch_bytes) noexcept {   \
        return class_loss<T>(rows, classes, p, targets, probabilities, weight, nullptr,                                \
                             {ClassInput::probabilities, kNothingIgnored, label_smoothing, reduction, 1.0, false},     \
                             loss, nullptr, {scratch, scratch_bytes});                                                 \
    }                                                                                                                  \
    fastnn_status fastnn_categorical_cross_entropy_with_grad_##S(                                                      \
        int64_t rows, int64_t classes, const T* p, const int64_t* targets, const T* probabilities, const T* weight,    \
        const T* dlosses, double label_smoothing, fastnn_reduction reduction, double dloss, T* loss, T* dp,            \
        void* scratch, size_t scratch_bytes) noexcept {                                                                \
        return class_loss<T>(rows, classes, p, targets, probabilities, weight, dlosses,                                \
                             {ClassInput::probabilities, kNothingIgnored, label_smoothing, reduction, dloss, true},    \
                             loss, dp, {scratch, scratch_bytes});                                                      \
    }
FASTNN_BOTH(FASTNN_DEFINE)
