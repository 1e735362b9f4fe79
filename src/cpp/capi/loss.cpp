// The elementwise losses in C.
#include "core/loss.h"

#include "checks.h"
#include "fastnn/operations.h"

namespace fastnn {
namespace capi {
namespace {

struct Kinds {
    LossKind kind;
    bool by_rows;
};
constexpr Kinds kKinds[] = {{LossKind::mse, false},
                            {LossKind::mae, false},
                            {LossKind::huber, false},
                            {LossKind::mse, true},
                            {LossKind::poisson, false},
                            {LossKind::hinge, false},
                            {LossKind::binary_cross_entropy, false},
                            {LossKind::binary_cross_entropy_with_logits, false}};

struct Options {
    fastnn_loss_kind kind;
    double delta;
    fastnn_reduction reduction;
    double dloss;
    bool with_grad;

    bool are_valid() const {
        return kind >= 0 && kind < static_cast<int>(sizeof kKinds / sizeof *kKinds) && reduction >= FASTNN_NONE &&
               reduction <= FASTNN_SUM && (kind != FASTNN_HUBER || delta > 0.0);
    }
};

template <class T>
std::size_t loss_scratch(std::int64_t rows, std::int64_t columns) {
    return count(rows, columns) < 0 ? 0 : loss_scratch_bytes<T>(rows, columns);
}

template <class T>
fastnn_status loss(std::int64_t rows, std::int64_t columns, const T* y, const T* targets, const T* weight,
                   const T* dlosses, const Options& options, T* result, T* dy, Memory scratch) {
    const FpEnvironment environment;
    const bool none = options.reduction == FASTNN_NONE;
    if (!options.are_valid() || (dlosses != nullptr && !none)) return FASTNN_BAD_VALUE;
    const Kinds& kind = kKinds[options.kind];
    const std::int64_t n = count(rows, columns), losses = kind.by_rows ? count(rows) : n;
    LossCall<T> call = {};
    call.kind = kind.kind;
    call.parameter = options.delta;
    call.y = y;
    call.t = targets;
    call.count = losses;
    call.features = kind.by_rows ? columns : 1;
    call.weight = rows > 0 ? weight : nullptr;
    call.weights = weight != nullptr ? rows : 0;
    call.reduction = none                               ? LossReduction::none
                     : options.reduction == FASTNN_MEAN ? LossReduction::mean
                                                        : LossReduction::sum;
    call.losses = none ? result : nullptr;
    call.dy = dy;
    call.dloss = options.dloss;
    call.dlosses = dlosses;
    return run(
        {input(y, n), input(targets, n), input(weight, count(rows), true), input(dlosses, losses, true),
         output(result, none ? losses : 1), in_place(dy, n, !options.with_grad)},
        scratch, [&] { return loss_scratch<T>(rows, columns); },
        [&] {
            const double value = fastnn::loss<T>(call);
            if (!none) *result = narrowed<T>(value);
            return FASTNN_OK;
        });
}

}  // namespace
}  // namespace capi
}  // namespace fastnn

using namespace fastnn::capi;

#define FASTNN_DEFINE(T, S)                                                                                            \
    size_t fastnn_loss_scratch_##S(int64_t rows, int64_t columns) noexcept { return loss_scratch<T>(rows, columns); }  \
    fastnn_status fastnn_loss_##S(int64_t rows, int64_t columns, const T* y, const T* targets, const T* weight,        \
                                  fastnn_loss_kind kind, double delta, fastnn_reduction reduction, T* result,          \
                                  void* scratch, size_t scratch_bytes) noexcept {                                      \
        return loss<T>(rows, columns, y, targets, weight, nullptr, {kind, delta, reduction, 1.0, false}, result,       \
                       nullptr, {scratch, scratch_bytes});                                                             \
    }                                                                                                                  \
    fastnn_status fastnn_loss_with_grad_##S(int64_t rows, int64_t columns, const T* y, const T* targets,               \
                                            const T* weight, const T* dlosses, fastnn_loss_kind kind, double delta,    \
                                            fastnn_reduction reduction, double dloss, T* result, T* dy, void* scratch, \
                                            size_t scratch_bytes) noexcept {                                           \
        return loss<T>(rows, columns, y, targets, weight, dlosses, {kind, delta, reduction, dloss, true}, result, dy,  \
                       {scratch, scratch_bytes});                                                                      \
    }
FASTNN_BOTH(FASTNN_DEFINE)
