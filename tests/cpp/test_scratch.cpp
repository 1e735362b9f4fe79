#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <new>
#include <thread>

#include "core/scratch.h"

using fastnn::cached_scratch_bytes;
using fastnn::Scratch;

namespace {

bool aligned(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 64 == 0; }

}  // namespace

TEST_CASE("scratch is aligned, writable and never null") {
    for (std::ptrdiff_t n : {0, 1, 15, 16, 17, 1000, 1 << 20}) {
        Scratch<float> a(n);
        Scratch<double> b(n);
        REQUIRE(a.data() != nullptr);
        CHECK(aligned(a.data()));
        CHECK(aligned(b.data()));
        std::memset(a.data(), 1, static_cast<std::size_t>(n) * sizeof(float));
        std::memset(b.data(), 2, static_cast<std::size_t>(n) * sizeof(double));
        if (n > 0) CHECK(reinterpret_cast<unsigned char*>(a.data())[n * 4 - 1] == 1);
    }
}

TEST_CASE("a repeated call gets the same memory") {
    float* first;
    {
        Scratch<float> s(5000);
        first = s.data();
    }
    Scratch<float> s(4000);
    CHECK(s.data() == first);
}

TEST_CASE("the cache is bounded") {
    constexpr std::size_t kMost = std::size_t{64} << 20;
    for (std::ptrdiff_t megabytes : {1, 40, 50, 65, 3}) {
        { Scratch<char> s(megabytes << 20); }
        CHECK(cached_scratch_bytes() <= kMost);
    }
    { Scratch<char> a(1), b(2), c(3), d(4), e(5), f(6), g(7), h(8), i(9), j(10); }
    CHECK(cached_scratch_bytes() <= kMost);
}

TEST_CASE("each thread has its own cache, freed with the thread") {
    { Scratch<float> s(1000); }
    std::thread([] {
        CHECK(cached_scratch_bytes() == 0);
        { Scratch<float> s(1000); }
        CHECK(cached_scratch_bytes() > 0);
    }).join();
}

TEST_CASE("what cannot be had is std::bad_alloc") {
    constexpr std::ptrdiff_t most = std::numeric_limits<std::ptrdiff_t>::max();
    CHECK_THROWS_AS(Scratch<double>{most}, std::bad_alloc);
}
