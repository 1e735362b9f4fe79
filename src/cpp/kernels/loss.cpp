#include "loss.h"

#include "lanes.h"
#include "loss_kinds.h"
#include "spans.h"

namespace fastnn {
namespace FASTNN_TARGET {
namespace {

// What one vector adds to the sum; writes the loss and the gradient on the way.
template <class Kind, class T, class Part>
FASTNN_INLINE vec<T> vector_at(const LossBlock<T>& block, vec<T> parameter, ptrdiff_t i, Part lanes) {
    const vec<T> y = load(block.y + i, lanes), t = load(block.t + i, lanes);
    vec<T> loss = Kind::value(y, t, parameter);
    vec<T> scale = block.scale != nullptr ? load(block.scale + i, lanes) : set1(block.factor);
    if (block.weight != nullptr) {
        const vec<T> weight = load(block.weight + i, lanes);
        loss *= weight;
        scale *= weight;
    }
    if (block.loss != nullptr) store(block.loss + i, loss, lanes);
    if (block.dy != nullptr) store(block.dy + i, Kind::slope(y, t, parameter) * scale, lanes);
    return loss;
}

// Zeros behind the first lanes: what a formula makes of the padding must not reach the sum.
template <class T>
FASTNN_INLINE vec<T> first_lanes(vec<T> v, Tail<T> lanes) {
    T kept[lane_count<T>] = {};
    store(kept, v, lanes);
    return load(kept);
}

template <class Kind, class T>
T sweep_kind(T parameter, const LossBlock<T>& given) {
    const LossBlock<T> block = given;
    const vec<T> p = set1(parameter);
    Lanes<T> sums = Lanes<T>::all(0);
    ptrdiff_t i = 0;
    for (; i + kLanes <= block.n; i += kLanes) {
        for (ptrdiff_t v = 0; v < lane_vectors<T>; ++v) {
            sums.part[v] += vector_at<Kind>(block, p, i + v * lane_count<T>, Whole<T>());
        }
    }
    for (ptrdiff_t v = 0; v < lane_vectors<T> && i < block.n; ++v, i += lane_count<T>) {
        const ptrdiff_t rest = block.n - i;
        const Tail<T> lanes(rest < lane_count<T> ? rest : lane_count<T>);
        sums.part[v] += first_lanes<T>(vector_at<Kind>(block, p, i, lanes), lanes);
    }
    return tree_sum(sums);
}

template <class T>
T sweep(LossKind kind, T parameter, const LossBlock<T>& block) {
    switch (kind) {
        case LossKind::mse:
            return sweep_kind<MseLoss<T>>(parameter, block);
        case LossKind::mae:
            return sweep_kind<MaeLoss<T>>(parameter, block);
        case LossKind::huber:
            return sweep_kind<HuberLoss<T>>(parameter, block);
        case LossKind::poisson:
            return sweep_kind<PoissonLoss<T>>(parameter, block);
        case LossKind::hinge:
            return sweep_kind<HingeLoss<T>>(parameter, block);
        case LossKind::binary_cross_entropy:
            return sweep_kind<BinaryCrossEntropyLoss<T>>(parameter, block);
        case LossKind::binary_cross_entropy_with_logits:
            return sweep_kind<LogitsLoss<T>>(parameter, block);
        case LossKind::value:
            break;
    }
    return sweep_kind<ValueLoss<T>>(parameter, block);
}

template <class T>
void squared_rows(const T* y, const T* t, T* loss, ptrdiff_t rows, ptrdiff_t columns) {
    for (ptrdiff_t r = 0; r < rows; ++r) {
        double sum = 0;
        for (ptrdiff_t c = 0; c < columns; c += kLossChunk) {
            const ptrdiff_t begin = r * columns + c, rest = columns - c;
            LossBlock<T> block = {};
            block.y = y + begin;
            block.t = t + begin;
            block.n = rest < kLossChunk ? rest : kLossChunk;
            sum += static_cast<double>(sweep_kind<MseLoss<T>>(T(0), block));
        }
        loss[r] = static_cast<T>(sum);
    }
}

}  // namespace

extern const LossKernels<float> loss_f32;
extern const LossKernels<double> loss_f64;
const LossKernels<float> loss_f32 = {&sweep<float>, &squared_rows<float>};
const LossKernels<double> loss_f64 = {&sweep<double>, &squared_rows<double>};

}  // namespace FASTNN_TARGET
}  // namespace fastnn
