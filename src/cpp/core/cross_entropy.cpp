#include "cross_entropy.h"

#include "dispatch.h"
#include "fpenv.h"
#include "row_sums.h"
#include "scratch.h"
#include "softmax.h"
#include "threads.h"

namespace fastnn {
namespace {

double work_of(std::ptrdiff_t rows, std::ptrdiff_t columns) {
    return kSoftmaxWork * static_cast<double>(rows) * static_cast<double>(columns);
}

// Elements of scratch memory a part. A line apart, so that no two threads write to one.
template <class T>
std::ptrdiff_t part_size(std::ptrdiff_t columns) {
    return kernels_of<T>().cross_entropy->scratch_size(columns) + 64;
}

// What a mean divides by: the weights of the picked classes, or the number of rows for probabilities.
template <class T>
double mean_divisor(const ClassLoss<T>& loss) {
    const ClassTargets<T>& targets = loss.targets;
    if (targets.index == nullptr) return static_cast<double>(loss.rows);
    return sum_over_rows(loss.rows, [&](std::ptrdiff_t row) {
        const std::int64_t index = targets.index[row];
        if (index == targets.ignore_index) return 0.0;
        return targets.weight != nullptr ? static_cast<double>(targets.weight[index]) : 1.0;
    });
}

}  // namespace

template <class T>
std::size_t class_loss_scratch_bytes(std::ptrdiff_t rows, std::ptrdiff_t columns) {
    return scratch_bytes<T>(part_size<T>(columns) * most_parts_for(work_of(rows, columns), rows) + rows);
}

template <class T>
double class_loss(const ClassLoss<T>& loss) {
    const FpEnvironment environment;
    const auto& table = *kernels_of<T>().cross_entropy;
    const int parts = parts_for(work_of(loss.rows, loss.columns), loss.rows);
    const std::ptrdiff_t size = part_size<T>(loss.columns);
    const bool reduced = loss.reduction != ClassReduction::none;
    const Scratch<T> scratch(size * parts + (reduced ? loss.rows : 0));
    T* losses = reduced ? scratch.data() + size * parts : loss.losses;

    const double divisor = loss.reduction == ClassReduction::mean ? mean_divisor(loss) : 1.0;
    const T scale = static_cast<T>(loss.dloss / divisor);
    const auto kernel = loss.input == ClassInput::logits ? table.from_logits : table.from_probabilities;
    parallel(parts, [&](int part) {
        const Range range = part_of(loss.rows, parts, part);
        const std::ptrdiff_t first = range.begin, at = first * loss.columns;
        ClassLossRows<T> rows = {};
        rows.x = loss.x + at;
        rows.rows = range.end - range.begin;
        rows.columns = loss.columns;
        rows.targets = loss.targets;
        if (rows.targets.index != nullptr) rows.targets.index += first;
        if (rows.targets.probability != nullptr) rows.targets.probability += at;
        rows.losses = losses + first;
        rows.scale = loss.dlosses != nullptr ? loss.dlosses + first : &scale;
        rows.scale_step = loss.dlosses != nullptr ? 1 : 0;
        rows.gradient = loss.gradient != nullptr ? loss.gradient + at : nullptr;
        kernel(rows, scratch.data() + part * size);
    });
    if (!reduced) return 0;
    const double sum = sum_over_rows(loss.rows, [&](std::ptrdiff_t row) { return static_cast<double>(losses[row]); });
    return settled(sum / divisor);
}

template std::size_t class_loss_scratch_bytes<float>(std::ptrdiff_t, std::ptrdiff_t);
template std::size_t class_loss_scratch_bytes<double>(std::ptrdiff_t, std::ptrdiff_t);
template double class_loss<float>(const ClassLoss<float>&);
template double class_loss<double>(const ClassLoss<double>&);

}  // namespace fastnn
