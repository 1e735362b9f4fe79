// How long one sample takes through the C interface, on one thread, with the caller's scratch memory:
//     dense 16 -> 16 with relu, weights packed; dense 128 -> 128; network 784-128-10.
// By google-benchmark where CMake finds it, else by a loop of its own.
#include <cstdint>
#include <cstdio>
#include <fastnn/fastnn.hpp>
#include <vector>

#ifdef FASTNN_GOOGLE_BENCHMARK
#include <benchmark/benchmark.h>
#else
#include <algorithm>
#include <chrono>
#endif

namespace {

#ifdef FASTNN_GOOGLE_BENCHMARK

template <class F>
void measure(const char* name, F call) {
    benchmark::RegisterBenchmark(name, [call](benchmark::State& state) {
        for (auto _ : state) {
            call();
            benchmark::ClobberMemory();
        }
    });
}

#else

// Prints the least of several rounds.
template <class F>
void measure(const char* name, F call) {
    using Clock = std::chrono::steady_clock;
    constexpr int kRounds = 21, kCalls = 20000;
    double best = 1e30;
    for (int round = 0; round < kRounds; round++) {
        const Clock::time_point start = Clock::now();
        for (int i = 0; i < kCalls; i++) call();
        best = std::min(best, std::chrono::duration<double, std::nano>(Clock::now() - start).count() / kCalls);
    }
    std::printf("%-24s %8.1f ns\n", name, best);
}

#endif

std::vector<float> numbers(std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    std::uint32_t state = 1;
    for (float& value : values) {
        state = state * 1664525u + 1013904223u;
        value = static_cast<float>(state >> 8) / 16777216.0f - 0.5f;
    }
    return values;
}

class Dense {
   public:
    explicit Dense(std::int64_t size)
        : size_(size),
          x_(numbers(size)),
          y_(x_.size()),
          layer_({numbers(size * size).data(), size, size}, numbers(size), FASTNN_RELU),
          scratch_(layer_.scratch(1)) {}
    void operator()() { layer_({x_.data(), 1, size_}, {y_.data(), 1, size_}, scratch_); }

   private:
    std::int64_t size_;
    std::vector<float> x_, y_;
    fastnn::PackedDense<float> layer_;
    fastnn::AlignedMemory scratch_;
};

class Predict {
   public:
    Predict()
        : x_(numbers(784)),
          y_(10),
          network_(FASTNN_F32, 784,
                   {fastnn::dense_stage(128, FASTNN_RELU), fastnn::dense_stage(10), fastnn::stage(FASTNN_SOFTMAX)}),
          scratch_(network_.predict_scratch(1)) {
        network_.initialize(1);
    }
    void operator()() { network_.predict<float>({x_.data(), 1, 784}, {y_.data(), 1, 10}, scratch_); }

   private:
    std::vector<float> x_, y_;
    fastnn::Network network_;
    fastnn::AlignedMemory scratch_;
};

}  // namespace

int main([[maybe_unused]] int count, [[maybe_unused]] char** arguments) {
    fastnn_set_num_threads(1);
    fastnn_prepare();
    Dense small(16), large(128);
    Predict predict;
    measure("packed_dense 1x16x16", [&] { small(); });
    measure("packed_dense 1x128x128", [&] { large(); });
    measure("predict 1x784x128x10", [&] { predict(); });
#ifdef FASTNN_GOOGLE_BENCHMARK
    benchmark::Initialize(&count, arguments);
    benchmark::RunSpecifiedBenchmarks();
#endif
    return 0;
}
