#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "core/dispatch.h"
#include "core/random.h"

using fastnn::Kernels;
using fastnn::RandomKernels;
using fastnn::RandomStream;

namespace {

template <class F>
void for_each_target(F f) {
    for (const Kernels* const* table = fastnn::available_kernels(); *table != nullptr; ++table) {
        CAPTURE((*table)->name);
        f(*(*table)->f32.random, *(*table)->f64.random);
    }
}

std::vector<std::uint32_t> words(const RandomKernels<float>& kernels, const RandomStream& stream,
                                 std::ptrdiff_t blocks) {
    std::vector<std::uint32_t> out(static_cast<std::size_t>(4 * blocks));
    kernels.words(stream, out.data(), blocks);
    return out;
}

constexpr std::uint64_t kAllOnes = std::numeric_limits<std::uint64_t>::max();
using Words = std::vector<std::uint32_t>;

}  // namespace

// Random123's file kat_vectors, "philox4x32 10".
TEST_CASE("philox gives the published words") {
    for_each_target([](const RandomKernels<float>& kernels, const RandomKernels<double>&) {
        CHECK(words(kernels, {0, 0, 0}, 1) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
        CHECK(words(kernels, {kAllOnes, kAllOnes, kAllOnes}, 1) ==
              Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
        CHECK(words(kernels, {0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88}, 1) ==
              Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
    });
}

TEST_CASE("a block's words depend on its number alone, also where its lower half wraps") {
    const std::uint64_t first = 0xfffffff8u;
    for_each_target([&](const RandomKernels<float>& kernels, const RandomKernels<double>&) {
        const Words all = words(kernels, {1, 2, first}, 100);
        for (std::uint64_t b = 0; b < 100; ++b) {
            const auto begin = all.begin() + static_cast<std::ptrdiff_t>(4 * b);
            CHECK(words(kernels, {1, 2, first + b}, 1) == Words(begin, begin + 4));
        }
    });
}

TEST_CASE("dropout keeps where the word reaches the threshold, in both types") {
    constexpr std::ptrdiff_t kMost = 5000;
    const std::uint32_t threshold = 0x80000001u;
    for_each_target([&](const RandomKernels<float>& f32, const RandomKernels<double>& f64) {
        const RandomStream stream = {3, 4, 5};
        const Words drawn = words(f32, stream, kMost / 4);
        for (std::ptrdiff_t n : {0, 1, 3, 4, 5, 15, 16, 17, 2047, 2049, 5000}) {
            std::vector<float> x(static_cast<std::size_t>(n), 3.0f), y(x.size());
            std::vector<double> x64(x.size(), 3.0), y64(x.size());
            f32.dropout(stream, threshold, 0.5f, x.data(), y.data(), n);
            f64.dropout(stream, threshold, 0.5, x64.data(), y64.data(), n);
            for (std::size_t i = 0; i < x.size(); ++i) {
                const double expected = drawn[i] >= threshold ? 6.0 : 0.0;
                REQUIRE(static_cast<double>(y[i]) == expected);
                REQUIRE(y64[i] == expected);
            }
        }
    });
}

TEST_CASE("dropout of everything gives zeros") {
    std::vector<float> x(33, std::numeric_limits<float>::quiet_NaN());
    fastnn::dropout<float>(1.0, {1, 2}, x.data(), x.data(), static_cast<std::ptrdiff_t>(x.size()));
    for (float value : x) CHECK(value == 0.0f);
}
