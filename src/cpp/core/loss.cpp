#include "loss.h"

#include <algorithm>

#include "dispatch.h"
#include "fpenv.h"
#include "scratch.h"
#include "threads.h"

namespace fastnn {
namespace {

// 10 ps an element, see parts_for.
constexpr double kMostWork = 120.0;
double work_of(LossKind kind) {
    switch (kind) {
        case LossKind::poisson:
            return 60.0;
        case LossKind::binary_cross_entropy:
        case LossKind::binary_cross_entropy_with_logits:
            return kMostWork;
        default:
            return 10.0;
    }
}

// Numbers that hold for `repeat` consecutive elements each; null data: absent.
template <class T>
struct Spread {
    const T* data = nullptr;
    std::ptrdiff_t repeat = 1;

    // Elements [begin, begin + n), written to `room` unless they lie so in memory.
    const T* at(std::ptrdiff_t begin, std::ptrdiff_t n, T* room) const {
        if (data == nullptr) return nullptr;
        if (repeat == 1) return data + begin;
        std::ptrdiff_t i = begin / repeat, left = repeat - begin % repeat;
        for (std::ptrdiff_t done = 0; done < n; ++i, left = repeat) {
            const std::ptrdiff_t length = std::min(left, n - done);
            std::fill(room + done, room + done + length, data[i]);
            done += length;
        }
        return room;
    }
};

// A pass over n elements in chunks.
template <class T>
struct Pass {
    LossKind kind;
    T parameter;
    const T* y;
    const T* t;
    std::ptrdiff_t n;
    Spread<T> weight = {};
    T factor = T(1);
    Spread<T> scale = {};
    T* loss = nullptr;
    T* dy = nullptr;
};

template <class T>
T* offset(T* p, std::ptrdiff_t n) {
    return p == nullptr ? nullptr : p + n;
}

std::ptrdiff_t chunks_of(std::ptrdiff_t n) { return (n + kLossChunk - 1) / kLossChunk; }

// Elements of scratch memory a part: where weight and scale are spread out.
constexpr std::ptrdiff_t kRoom = 2 * kLossChunk;

// What run takes at most.
template <class T>
std::size_t pass_scratch_bytes(std::ptrdiff_t n) {
    const std::ptrdiff_t chunks = chunks_of(n);
    const int parts = most_parts_for(kMostWork * static_cast<double>(n), chunks);
    return scratch_bytes<T>(chunks) + scratch_bytes<T>(parts * kRoom);
}

// The chunks' sums in ascending order, in float64.
template <class T>
double run(const Pass<T>& pass) {
    const std::ptrdiff_t chunks = chunks_of(pass.n);
    const int parts = parts_for(work_of(pass.kind) * static_cast<double>(pass.n), chunks);
    const bool spread = pass.weight.repeat > 1 || pass.scale.repeat > 1;
    const Scratch<T> sums(chunks), rooms(spread ? parts * kRoom : 0);
    T* chunk_sums = sums.data();
    T* all_rooms = rooms.data();
    const auto kernel = kernels_of<T>().loss->sweep;
    parallel(parts, [&](int part) {
        T* room = spread ? all_rooms + part * kRoom : nullptr;
        const Range range = part_of(chunks, parts, part);
        for (std::ptrdiff_t c = range.begin; c < range.end; ++c) {
            const std::ptrdiff_t i = c * kLossChunk, length = std::min(kLossChunk, pass.n - i);
            LossBlock<T> block;
            block.y = pass.y + i;
            block.t = pass.t + i;
            block.weight = pass.weight.at(i, length, room);
            block.scale = pass.scale.at(i, length, spread ? room + kLossChunk : nullptr);
            block.factor = pass.factor;
            block.loss = offset(pass.loss, i);
            block.dy = offset(pass.dy, i);
            block.n = length;
            chunk_sums[c] = kernel(pass.kind, pass.parameter, block);
        }
    });
    double sum = 0.0;
    for (std::ptrdiff_t c = 0; c < chunks; ++c) sum += static_cast<double>(chunk_sums[c]);
    return sum;
}

// Sum of values[i] * weight[i]; with `products` these are written there.
template <class T>
double weighted_sum(const T* values, std::ptrdiff_t n, Spread<T> weight, T* products) {
    Pass<T> pass = {LossKind::value, T(0), values, values, n};
    pass.weight = weight;
    pass.loss = products;
    return run(pass);
}

// What the gradient of each loss is multiplied by, beside its weight.
template <class T>
double divisor_of(const LossCall<T>& call, std::ptrdiff_t repeat) {
    if (call.reduction != LossReduction::mean) return 1.0;
    if (call.weight == nullptr) return static_cast<double>(call.count);
    return weighted_sum<T>(call.weight, call.weights, {}, nullptr) * static_cast<double>(repeat);
}

// The call's gradient, where each number of weight and dlosses holds for so many elements.
template <class T>
Pass<T> elementwise(const LossCall<T>& call, T factor, std::ptrdiff_t weight_repeat) {
    Pass<T> pass = {call.kind, static_cast<T>(call.parameter), call.y, call.t, call.count * call.features};
    pass.weight = {call.weight, weight_repeat};
    pass.factor = factor;
    pass.scale = {call.dlosses, call.features};
    pass.dy = call.dy;
    return pass;
}

// One loss for several elements: the sums come first, the gradient is a second pass.
template <class T>
double loss_of_rows(const LossCall<T>& call, T factor, std::ptrdiff_t weight_repeat) {
    const Scratch<T> room(call.losses == nullptr ? call.count : 0);
    T* losses = call.losses == nullptr ? room.data() : call.losses;
    const auto squared_rows = kernels_of<T>().loss->squared_rows;
    const std::ptrdiff_t columns = call.features;
    const int parts = parts_for(work_of(call.kind) * static_cast<double>(call.count * columns), call.count);
    parallel(parts, [&](int part) {
        const Range range = part_of(call.count, parts, part);
        squared_rows(call.y + range.begin * columns, call.t + range.begin * columns, losses + range.begin,
                     range.end - range.begin, columns);
    });
    const double sum = weighted_sum<T>(losses, call.count, {call.weight, weight_repeat}, call.losses);
    if (call.dy != nullptr) run(elementwise(call, factor, weight_repeat * columns));
    return sum;
}

template <class T>
double loss_of_elements(const LossCall<T>& call, T factor, std::ptrdiff_t weight_repeat) {
    Pass<T> pass = elementwise(call, factor, weight_repeat);
    pass.loss = call.losses;
    return run(pass);
}

}  // namespace

template <class T>
std::size_t loss_scratch_bytes(std::ptrdiff_t rows, std::ptrdiff_t columns) {
    // The sums of the rows are kept during the passes over them and over the elements.
    return scratch_bytes<T>(rows) + std::max(pass_scratch_bytes<T>(rows), pass_scratch_bytes<T>(rows * columns));
}

template <class T>
double loss(const LossCall<T>& call) {
    const FpEnvironment environment;
    const std::ptrdiff_t repeat = call.weights > 0 ? call.count / call.weights : 1;
    const double divisor = divisor_of(call, repeat);
    const T factor = static_cast<T>(call.dloss / divisor);
    const double sum = call.features == 1 ? loss_of_elements(call, factor, repeat) : loss_of_rows(call, factor, repeat);
    return settled(sum / divisor);
}

template std::size_t loss_scratch_bytes<float>(std::ptrdiff_t, std::ptrdiff_t);
template std::size_t loss_scratch_bytes<double>(std::ptrdiff_t, std::ptrdiff_t);
template double loss<float>(const LossCall<float>&);
template double loss<double>(const LossCall<double>&);

}  // namespace fastnn
