#include "checks.h"

#include <limits>
#include <new>

#include "core/activation.h"
#include "core/scratch.h"
#include "core/threads.h"
#include "fastnn/operations.h"

namespace fastnn {
namespace capi {
namespace {

// Eight bytes each, and sixteen times as many for weights of few columns in panels of many.
constexpr std::int64_t kMostElements = std::numeric_limits<std::ptrdiff_t>::max() / 1024;

bool overlap(const Array& a, const Array& b) {
    return a.is_there() && b.is_there() && a.begin() < b.end() && b.begin() < a.end();
}

// Whether an array overlaps another than itself that it must not.
bool overlaps_one(const Array& written, Arrays arrays) {
    for (const Array& other : arrays) {
        if (&other == &written || !overlap(written, other)) continue;
        const bool allowed = written.may_be_first && &other == arrays.begin() && written.data == other.data &&
                             written.elements == other.elements;
        if (!allowed) return true;
    }
    return false;
}

fastnn_status check_scratch(Arrays arrays, Memory scratch, std::size_t needed) {
    if (scratch.data == nullptr) return scratch.bytes != 0 ? FASTNN_NULL_POINTER : FASTNN_OK;
    const Array memory = output(static_cast<char*>(scratch.data), static_cast<std::int64_t>(scratch.bytes));
    if (memory.begin() % FASTNN_ALIGNMENT != 0 || scratch.bytes < needed) return FASTNN_SMALL_SCRATCH;
    return overlaps_one(memory, arrays) ? FASTNN_OVERLAP : FASTNN_OK;
}

}  // namespace

std::int64_t count(std::int64_t a, std::int64_t b) {
    std::int64_t product;
    if (a < 0 || b < 0 || a > kMostElements || b > kMostElements || __builtin_mul_overflow(a, b, &product)) return -1;
    return product > kMostElements ? -1 : product;
}

fastnn_status check(Arrays arrays) {
    for (const Array& array : arrays) {
        if (array.elements < 0) return FASTNN_BAD_SIZE;
    }
    for (const Array& array : arrays) {
        if (array.elements == 0) continue;
        if (array.data == nullptr && !array.is_optional) return FASTNN_NULL_POINTER;
        if ((array.begin() & (array.element_bytes - 1u)) != 0) return FASTNN_BAD_VALUE;
    }
    for (const Array& array : arrays) {
        if (array.is_output && overlaps_one(array, arrays)) return FASTNN_OVERLAP;
    }
    return FASTNN_OK;
}

fastnn_status check(Arrays arrays, Memory scratch, std::size_t needed) {
    const fastnn_status status = check(arrays);
    return status != FASTNN_OK ? status : check_scratch(arrays, scratch, needed);
}

fastnn_status run(Arrays arrays, Memory scratch, Callable<std::size_t> needed, Callable<fastnn_status> operation) {
    fastnn_status status = check(arrays);
    if (status != FASTNN_OK) return status;
    const ThreadLimit limit;
    const std::size_t bytes = needed();
    status = check_scratch(arrays, scratch, bytes);
    if (status != FASTNN_OK) return status;
    const bool lends = scratch.data != nullptr || bytes == 0;
    try {
        if (!lends) return operation();
        const LentScratch lent(scratch.data, bytes);
        return operation();
    } catch (const std::bad_alloc&) {
        // What was asked for has been lent.
        return lends ? FASTNN_INTERNAL : FASTNN_NO_MEMORY;
    }
}

bool Activation::read(std::int32_t activation, double value) {
    if (activation < 0 || activation >= kKindCount) return false;
    kind = static_cast<Kind>(activation);
    parameter = default_parameter(kind) != 0.0 ? value : 0.0;
    return is_valid_parameter(kind, parameter);
}

bool are_rates(std::initializer_list<double> values) {
    for (const double value : values) {
        if (!(value >= 0.0)) return false;
    }
    return true;
}

}  // namespace capi
}  // namespace fastnn
