// A dense layer with gelu, softmax over its result, and a hash of the bytes that come out.
#include <cstdint>
#include <cstdio>
#include <fastnn/fastnn.hpp>
#include <vector>

namespace {

constexpr std::int64_t kBatch = 32, kInputs = 48, kOutputs = 24;

// Numbers in [-0.5, 0.5), exactly the same in every language.
std::vector<float> numbers(std::int64_t count, std::uint32_t& state) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) {
        state = state * 1664525u + 1013904223u;
        value = static_cast<float>(state >> 8) / 16777216.0f - 0.5f;
    }
    return values;
}

// FNV-1a of 64 bits.
std::uint64_t hash_of(const void* data, std::size_t bytes) {
    const auto* byte = static_cast<const unsigned char*>(data);
    std::uint64_t hash = 14695981039346656037u;
    for (std::size_t i = 0; i < bytes; i++) hash = (hash ^ byte[i]) * 1099511628211u;
    return hash;
}

}  // namespace

int main() {
    std::uint32_t state = 1;
    const std::vector<float> x = numbers(kBatch * kInputs, state);
    const std::vector<float> w = numbers(kInputs * kOutputs, state);
    const std::vector<float> b = numbers(kOutputs, state);
    std::vector<float> y(kBatch * kOutputs);
    const fastnn::Matrix result(y.data(), kBatch, kOutputs);

    try {
        fastnn::dense<float>({x.data(), kBatch, kInputs}, {w.data(), kInputs, kOutputs}, b, FASTNN_GELU, result);
        fastnn::softmax(result, result);
    } catch (const fastnn::error& error) {
        std::fprintf(stderr, "fastnn: %s\n", error.what());
        return 1;
    }
    std::printf("%016llx\n", static_cast<unsigned long long>(hash_of(y.data(), y.size() * sizeof(float))));
    return 0;
}
