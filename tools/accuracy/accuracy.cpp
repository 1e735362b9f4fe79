// The errors of the elementary functions, in units in the last place, over every float32 there is, for every
// instruction set this processor can run; and a hash of all the results: equal hashes mean equal bits.
//
// The reference is the C library's double function. It is within a few ULP of a double, a few times 2^-29 ULP of a
// float32, and the error is measured against the double itself, so no error of the reference shows in the figures.
//
//   fastnn_accuracy [--stride N] [--threads N] [--function NAME]   every N-th of the 2^32 inputs; exits with 1 if an
//                                                                  error is over its bound, or FMA hashes differ
//   fastnn_accuracy --evaluate FUNCTION ISA                        doubles from standard input to standard output
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "core/dispatch.h"
#include "core/fpenv.h"

namespace {

using fastnn::Kernels;

struct Tested {
    const char* name;
    double (*reference)(double);
    double bound;  // with FMA
};

double sigmoid(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }

// In the order of fastnn::Function.
const Tested kTested[fastnn::kFunctionCount] = {
    {"exp", std::exp, 1},   {"expm1", std::expm1, 2}, {"log", std::log, 1}, {"log1p", std::log1p, 2},
    {"tanh", std::tanh, 2}, {"sigmoid", sigmoid, 2},  {"erf", std::erf, 2}};
// What the target without FMA may lose on top.
constexpr double kGenericExtra = 1;

template <class To, class From>
To bits_as(From value) {
    static_assert(sizeof(To) == sizeof(From), "the same bits");
    To result;
    std::memcpy(&result, &value, sizeof result);
    return result;
}

double ulps(float got, double exact) {
    constexpr double kOverflow = 0x1p128, kRoundsToInfinity = 0x1.ffffffp127;
    if (std::isnan(exact)) return std::isnan(got) ? 0 : HUGE_VAL;
    if (std::fabs(exact) >= kRoundsToInfinity) return got == std::copysign(HUGE_VALF, exact) ? 0 : HUGE_VAL;
    const double value = std::isinf(got) ? std::copysign(kOverflow, got) : got;
    int exponent = static_cast<int>(bits_as<std::uint64_t>(exact) >> 52 & 0x7ff) - 1023;
    if (exponent < -126) exponent = -126;
    const double units_per_one = bits_as<double>(static_cast<std::uint64_t>(1023 + 23 - exponent) << 52);
    const double error = std::fabs(value - exact) * units_per_one;
    return std::isnan(error) ? HUGE_VAL : error;
}

// A sum of mixed (input, output) pairs: it does not depend on the order, so not on the number of threads either.
std::uint64_t mixed(std::uint32_t input, float output) {
    const std::uint32_t nan = 0x7fc00000;  // the payload of a nan is not promised
    std::uint64_t z =
        static_cast<std::uint64_t>(input) << 32 | (std::isnan(output) ? nan : bits_as<std::uint32_t>(output));
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

struct Result {
    double worst = 0;
    float at = 0;
    std::uint64_t hash = 0;
};

// Every stride-th input of [begin, end), for all instruction sets at once: the reference is what takes the time.
void measure(int function, std::uint64_t begin, std::uint64_t end, std::uint64_t stride,
             const std::vector<const Kernels*>& targets, Result* results) {
    const fastnn::FpEnvironment environment;
    constexpr std::ptrdiff_t kBlock = 4096;
    std::vector<float> inputs(kBlock), outputs(kBlock);
    std::vector<double> exact(kBlock);
    for (std::uint64_t next = begin; next < end;) {
        std::ptrdiff_t count = 0;
        for (; count < kBlock && next < end; next += stride) {
            const auto at = static_cast<std::size_t>(count++);
            inputs[at] = bits_as<float>(static_cast<std::uint32_t>(next));
            exact[at] = kTested[function].reference(static_cast<double>(inputs[at]));
        }
        for (std::size_t target = 0; target < targets.size(); ++target) {
            Result& result = results[target];
            targets[target]->f32.activation->evaluate(function, inputs.data(), outputs.data(), count);
            for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
                const double error = ulps(outputs[i], exact[i]);
                if (error > result.worst) result.worst = error, result.at = inputs[i];
                result.hash += mixed(bits_as<std::uint32_t>(inputs[i]), outputs[i]);
            }
        }
    }
}

std::vector<Result> measure_all(int function, std::uint64_t stride, int threads,
                                const std::vector<const Kernels*>& targets) {
    constexpr std::uint64_t kInputs = std::uint64_t(1) << 32;
    const auto parts = static_cast<std::size_t>(threads);
    std::vector<std::vector<Result>> results(parts, std::vector<Result>(targets.size()));
    std::vector<std::thread> workers;
    for (std::size_t part = 0; part < parts; ++part) {
        // Interleaved, since some ranges (all nan, all overflow) are cheaper than others.
        workers.emplace_back(
            [&, part] { measure(function, part * stride, kInputs, stride * parts, targets, results[part].data()); });
    }
    for (std::thread& worker : workers) worker.join();
    std::vector<Result> total = results[0];
    for (std::size_t part = 1; part < parts; ++part) {
        for (std::size_t target = 0; target < targets.size(); ++target) {
            const Result& other = results[part][target];
            if (other.worst > total[target].worst) total[target].worst = other.worst, total[target].at = other.at;
            total[target].hash += other.hash;
        }
    }
    return total;
}

int function_called(const char* name) {
    for (int i = 0; i < fastnn::kFunctionCount; ++i) {
        if (std::strcmp(kTested[i].name, name) == 0) return i;
    }
    std::fprintf(stderr, "no function %s\n", name);
    std::exit(2);
}

std::vector<const Kernels*> all_targets() {
    std::vector<const Kernels*> targets;
    for (const Kernels* const* table = fastnn::available_kernels(); *table != nullptr; ++table)
        targets.push_back(*table);
    return targets;
}

int evaluate(const char* function, const char* isa) {
    for (const Kernels* target : all_targets()) {
        if (std::strcmp(target->name, isa) != 0) continue;
        double buffer[4096];
        for (std::size_t n; (n = std::fread(buffer, sizeof(double), 4096, stdin)) > 0;) {
            target->f64.activation->evaluate(function_called(function), buffer, buffer, static_cast<std::ptrdiff_t>(n));
            if (std::fwrite(buffer, sizeof(double), n, stdout) != n) return 1;
        }
        return 0;
    }
    std::fprintf(stderr, "this processor cannot run %s\n", isa);
    return 2;
}

}  // namespace

int main(int count, char** arguments) {
    if (count == 4 && std::strcmp(arguments[1], "--evaluate") == 0) return evaluate(arguments[2], arguments[3]);
    long stride = 1, threads = static_cast<long>(std::thread::hardware_concurrency());
    int only = -1;
    for (int i = 1; i < count; i += 2) {
        const std::string option = arguments[i];
        const char* value = i + 1 < count ? arguments[i + 1] : "";
        if (option == "--function") {
            only = function_called(value);
        } else if (option == "--stride" || option == "--threads") {
            (option == "--stride" ? stride : threads) = std::atol(value);
        } else {
            std::fprintf(stderr, "usage: fastnn_accuracy [--stride N] [--threads N] [--function NAME]\n");
            return 2;
        }
    }
    if (threads < 1) threads = 1;
    if (stride < 1) stride = 1;

    const std::vector<const Kernels*> targets = all_targets();
    bool good = true;
    std::printf("| function | instruction set | max ULP | at | hash of all results |\n|---|---|---|---|---|\n");
    for (int function = 0; function < fastnn::kFunctionCount; ++function) {
        if (only >= 0 && function != only) continue;
        const auto results =
            measure_all(function, static_cast<std::uint64_t>(stride), static_cast<int>(threads), targets);
        const Result* fused = nullptr;
        for (std::size_t target = 0; target < targets.size(); ++target) {
            const Result& result = results[target];
            const bool generic = std::strcmp(targets[target]->name, "generic") == 0;
            std::printf("| %s | %s | %.3f | %a | %016llx |\n", kTested[function].name, targets[target]->name,
                        result.worst, static_cast<double>(result.at), static_cast<unsigned long long>(result.hash));
            good = good && result.worst <= kTested[function].bound + (generic ? kGenericExtra : 0);
            if (generic) continue;
            good = good && (fused == nullptr || fused->hash == result.hash);
            fused = &result;
        }
        std::fflush(stdout);
    }
    if (!good) std::printf("an error is over its bound, or two instruction sets with FMA differ\n");
    return good ? 0 : 1;
}
