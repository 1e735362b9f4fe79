// Dense products as a share of the processor's fma peak, both measured in the same rounds: the ratio stands where the
// clock does not. One thread. Prints the best of the rounds: interruptions only ever make a round slower.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <vector>

#include "core/dense.h"
#include "core/dispatch.h"
#include "core/threads.h"

namespace fastnn {

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

template <class F>
double seconds(F f) {
    const double start = now();
    f();
    return now() - start;
}

constexpr int kRounds = 40;
constexpr double kRoundFlops = 2e8;

template <class T>
void measure(std::ptrdiff_t batch, std::ptrdiff_t inputs, std::ptrdiff_t outputs) {
    const DenseShape<T> shape{batch, inputs, outputs};
    const auto size = [](std::ptrdiff_t n) { return static_cast<std::size_t>(n); };
    std::vector<T> x(size(batch * inputs), T(0.5)), w(size(inputs * outputs), T(0.25)), b(size(outputs), T(1));
    std::vector<T> y(size(batch * outputs)), dx(x.size()), dw(w.size()), db(b.size());
    const std::ptrdiff_t packed_size = packed_weights_size<T>(inputs, outputs);
    T* const packed = static_cast<T*>(::operator new(size(packed_size) * sizeof(T), std::align_val_t(64)));
    pack_weights<T>(inputs, outputs, {w.data(), false}, packed);
    const Weights<T> weights{w.data(), false};
    const auto repeat = std::max(1L, static_cast<long>(kRoundFlops / shape.work()));
    double peak = 0.0, best[4] = {1e9, 1e9, 1e9, 1e9};
    for (int round = 0; round < kRounds; ++round) {
        double flops = 0.0;
        const double time = seconds([&] { flops = kernels_of<T>().probe->fma(300000); });
        peak = std::max(peak, flops / time);
        const auto run = [&](int i, auto call) {
            const double all = seconds([&] {
                for (long r = 0; r < repeat; ++r) call();
            });
            best[i] = std::min(best[i], all / static_cast<double>(repeat));
        };
        run(0, [&] { packed_dense<T>(shape, x.data(), packed, b.data(), Kind::relu, T(0), y.data()); });
        run(1, [&] { dense<T>(shape, x.data(), weights, b.data(), Kind::relu, T(0), y.data(), nullptr); });
        T* const none = nullptr;
        run(2, [&] {
            dense_backward<T>(shape, y.data(), x.data(), weights, y.data(), Kind::identity, T(0), dx.data(), none,
                              none);
        });
        run(3, [&] {
            dense_backward<T>(shape, y.data(), x.data(), weights, y.data(), Kind::identity, T(0), none, dw.data(),
                              none);
        });
    }
    ::operator delete(packed, std::align_val_t(64));
    std::printf("%s %5td %5td %5td  peak %6.1f GFLOP/s ", sizeof(T) == 4 ? "f32" : "f64", batch, inputs, outputs,
                peak / 1e9);
    static const char* const kNames[] = {"packed", "dense", "dx", "dw"};
    for (int i = 0; i < 4; ++i) std::printf("  %s %5.1f %%", kNames[i], 100.0 * shape.work() / best[i] / peak);
    std::printf("\n");
    std::fflush(stdout);
}

}  // namespace
}  // namespace fastnn

int main() {
    fastnn::set_thread_count(1);
    std::printf("%s, 1 thread, best of %d rounds\n", fastnn::kernels().name, fastnn::kRounds);
    for (const std::ptrdiff_t n : {64, 128, 512, 1024}) {
        fastnn::measure<float>(n, n, n);
        fastnn::measure<double>(n, n, n);
    }
    fastnn::measure<float>(32, 784, 128);
    fastnn::measure<float>(128, 784, 128);
    return 0;
}
