#include "random.h"

#include <algorithm>

#include "dispatch.h"
#include "fpenv.h"
#include "threads.h"

namespace fastnn {
namespace {

// 10 ps an element, see parts_for: ten rounds for every four words.
constexpr double kRandomWork = 80.0;
constexpr double kPlainWork = 10.0;

// f(stream, begin, length) over the parts of n elements, each of whole blocks of random words.
template <class F>
void over_parts(RandomKey key, std::ptrdiff_t n, double work, F f) {
    constexpr std::ptrdiff_t kPiece = 64;
    const int parts = parts_for(work * static_cast<double>(n), (n + kPiece - 1) / kPiece);
    parallel(parts, [&](int part) {
        const Range range = part_of(n, parts, part, kPiece);
        const RandomStream stream = {key.seed, key.counter, static_cast<std::uint64_t>(range.begin / 4)};
        f(stream, range.begin, range.end - range.begin);
    });
}

}  // namespace

template <class T>
void dropout(double p, RandomKey key, const T* x, T* y, std::ptrdiff_t n) {
    const FpEnvironment environment;
    const double threshold = p * 0x1p32;
    if (threshold >= 0x1p32) {
        std::fill(y, y + n, T(0));
        return;
    }
    const auto kernel = kernels_of<T>().random->dropout;
    over_parts(key, n, kRandomWork, [&](const RandomStream& stream, std::ptrdiff_t i, std::ptrdiff_t length) {
        kernel(stream, static_cast<std::uint32_t>(threshold), static_cast<T>(1.0 - p), x + i, y + i, length);
    });
}

template <class T>
void rrelu(const RreluOptions& options, const T* test, const T* x, T* y, std::ptrdiff_t n) {
    const FpEnvironment environment;
    const auto& table = *kernels_of<T>().random;
    if (!options.training) {
        const T slope = static_cast<T>((options.lower + options.upper) / 2.0);
        over_parts(options.key, n, kPlainWork, [&](const RandomStream&, std::ptrdiff_t i, std::ptrdiff_t length) {
            table.leaky(slope, test + i, x + i, y + i, length);
        });
        return;
    }
    const T lower = static_cast<T>(options.lower), range = static_cast<T>(options.upper) - lower;
    over_parts(options.key, n, kRandomWork, [&](const RandomStream& stream, std::ptrdiff_t i, std::ptrdiff_t length) {
        table.rrelu(stream, lower, range, test + i, x + i, y + i, length);
    });
}

#define FASTNN_INSTANTIATE(T)                                                  \
    template void dropout<T>(double, RandomKey, const T*, T*, std::ptrdiff_t); \
    template void rrelu<T>(const RreluOptions&, const T*, const T*, T*, std::ptrdiff_t);
FASTNN_INSTANTIATE(float)
FASTNN_INSTANTIATE(double)
#undef FASTNN_INSTANTIATE

}  // namespace fastnn
