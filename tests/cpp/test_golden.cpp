// Every golden case has the bits that golden.txt says: over instruction sets, compilers, threads and hosts.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "core/dispatch.h"
#include "core/threads.h"
#include "golden.h"

namespace golden {

Name::Name(const std::string& text) {
    std::istringstream stream(text);
    std::string dtype, word;
    std::getline(stream, operation, '/');
    std::getline(stream, dtype, '/');
    while (std::getline(stream, word, '/')) words.push_back(word);
    is_double = dtype == "float64";
    if (!is_double && dtype != "float32") throw std::runtime_error("no dtype in " + text);
}

std::vector<Line> recorded() {
    std::ifstream file(FASTNN_GOLDEN_FILE);
    if (!file) throw std::runtime_error("cannot read " FASTNN_GOLDEN_FILE);
    std::vector<Line> lines;
    std::string name, digest;
    while (file >> name >> digest) lines.push_back({name, std::stoull(digest, nullptr, 16)});
    return lines;
}

std::uint64_t digest_of(const std::string& text) {
    const Name name(text);
    Digest digest;
    if (!run_layer(name, digest) && !run_loss(name, digest) && !run_training(name, digest) &&
        !run_network(name, digest)) {
        throw std::runtime_error("no operation is called " + name.operation);
    }
    if (digest.has_nan()) throw std::runtime_error(text + " gives nan, whose bits are not promised");
    return digest.value();
}

}  // namespace golden

namespace {

// The generic build has no fused multiply-add and so other bits; its accuracy is tested elsewhere.
bool has_promised_bits() { return std::string(fastnn::kernels().name) != "generic"; }

void check_all_cases() {
    const std::vector<golden::Line> lines = golden::recorded();
    REQUIRE(!lines.empty());
    for (const golden::Line& line : lines) {
        CAPTURE(line.name);
        CHECK(golden::digest_of(line.name) == line.digest);
    }
}

// Flush to zero, denormals as zero and rounding towards zero where the processor has them, for the caller's thread.
class StrangeHost {
   public:
#if defined(__SSE2__)
    StrangeHost() : saved_(_mm_getcsr()) { _mm_setcsr(0xFFC0); }
    ~StrangeHost() { _mm_setcsr(saved_); }
    bool is_unchanged() const { return (_mm_getcsr() & ~0x3Fu) == 0xFFC0; }

   private:
    unsigned saved_;
#elif defined(__aarch64__)
    StrangeHost() {
        asm volatile("mrs %0, fpcr" : "=r"(saved_)::"memory");
        asm volatile("msr fpcr, %0" ::"r"(kStrange) : "memory");
    }
    ~StrangeHost() { asm volatile("msr fpcr, %0" ::"r"(saved_) : "memory"); }
    bool is_unchanged() const {
        std::uint64_t now;
        asm volatile("mrs %0, fpcr" : "=r"(now)::"memory");
        return now == kStrange;
    }

   private:
    static constexpr std::uint64_t kStrange = 0x1C00000;
    std::uint64_t saved_;
#else
    bool is_unchanged() const { return true; }
#endif
};

}  // namespace

TEST_CASE("golden cases: one thread and several") {
    if (!has_promised_bits()) {
        MESSAGE("left out: the generic build promises no bits");
        return;
    }
    const int threads = fastnn::thread_count();
    for (const int count : {1, 3}) {
        CAPTURE(count);
        fastnn::set_thread_count(count);
        check_all_cases();
    }
    fastnn::set_thread_count(threads);
}

TEST_CASE("golden cases: the host flushes denormals and rounds towards zero") {
    if (!has_promised_bits()) return;
    const int threads = fastnn::thread_count();
    fastnn::set_thread_count(2);
    {
        const StrangeHost host;
        check_all_cases();
        CHECK(host.is_unchanged());
    }
    fastnn::set_thread_count(threads);
}
