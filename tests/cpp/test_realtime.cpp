// What a thread that must not wait can count on: a prediction with the caller's scratch memory, on one thread,
// allocates nothing and asks nothing of the system, and so takes no lock that another thread could hold. Training
// allocates nothing once it has begun.
#include <doctest/doctest.h>

#include <cstdlib>
#include <vector>

#include "allocations.h"
#include "fastnn/fastnn.h"
#include "golden_inputs.h"
#include "networks.h"

namespace {

class OneThread {
   public:
    OneThread() : before_(fastnn_get_num_threads()) { fastnn_set_num_threads(1); }
    ~OneThread() { fastnn_set_num_threads(before_); }
    OneThread(const OneThread&) = delete;
    OneThread& operator=(const OneThread&) = delete;

   private:
    std::int32_t before_;
};

struct alignas(FASTNN_ALIGNMENT) Line {
    unsigned char bytes[FASTNN_ALIGNMENT];
};

template <class T>
void check(std::int64_t inputs, const std::vector<fastnn_stage>& stages, std::int64_t rows) {
    CAPTURE(inputs);
    CAPTURE(rows);
    const NetworkPointer network = make_network(NetworkApi<T>::kDtype, inputs, stages);
    REQUIRE(network != nullptr);
    const std::vector<T> x = golden::centred<T>(1, rows * inputs, 2);
    std::vector<T> y(static_cast<std::size_t>(rows * fastnn_network_outputs(network.get())));
    const std::vector<std::uint8_t> pixels(x.size(), 7);
    const std::size_t bytes = fastnn_network_predict_scratch(network.get(), rows);
    std::vector<Line> scratch(bytes / sizeof(Line));
    // The first call of this thread, in a child that may not make a system call: fastnn_prepare was enough.
    const auto predict = [&] {
        return NetworkApi<T>::predict(network.get(), rows, x.data(), y.data(), scratch.data(), bytes) == FASTNN_OK &&
               NetworkApi<T>::predict_bytes(network.get(), rows, pixels.data(), y.data(), scratch.data(), bytes) ==
                   FASTNN_OK;
    };
    const Quiet quiet = runs_quietly(predict);
    if (quiet == Quiet::cannot_tell) {
        MESSAGE("left out: this system cannot forbid system calls, or this build cannot go without");
    } else {
        CHECK(quiet == Quiet::yes);
    }
    const long before = allocations();
    CHECK(predict());
    CHECK(allocations() == before);
}

}  // namespace

TEST_CASE("allocations in C are counted too") {
    if (!counts_c_allocations()) {
        MESSAGE("left out: here malloc cannot be replaced");
        return;
    }
    // Volatile: a compiler may leave out what is freed at once.
    void* (*volatile const allocate)(std::size_t) = std::malloc;
    const long before = allocations();
    std::free(allocate(1000));
    CHECK(allocations() == before + 1);
}

TEST_CASE("a prediction neither allocates nor waits") {
    const OneThread one;
    fastnn_prepare();
    for (const std::int64_t rows : {1, 2, 7, 64, 500}) {
        for (const auto& stages : some_networks()) {
            check<float>(16, stages, rows);
            check<double>(300, stages, rows);
        }
    }
    const std::vector<fastnn_stage> digits = {stage_of(FASTNN_DENSE, 128, FASTNN_RELU), stage_of(FASTNN_DENSE, 10),
                                              stage_of(FASTNN_SOFTMAX)};
    check<float>(784, digits, 1);
    check<float>(16, {stage_of(FASTNN_DENSE, 16)}, 1);
}

TEST_CASE("a step of training allocates nothing after the first one") {
    const OneThread one;
    for (const fastnn_network_loss loss : {FASTNN_LOSS_BINARY_CROSS_ENTROPY, FASTNN_LOSS_SPARSE_CROSS_ENTROPY}) {
        const bool by_class = loss == FASTNN_LOSS_SPARSE_CROSS_ENTROPY;
        const NetworkPointer network =
            make_network(FASTNN_F32, 40,
                         {stage_of(FASTNN_DENSE, 60, FASTNN_RELU), stage_of(FASTNN_DROPOUT),
                          stage_of(FASTNN_DENSE, 4, by_class ? FASTNN_IDENTITY : FASTNN_SIGMOID)});
        fastnn_training training;
        REQUIRE(fastnn_training_defaults(&training, sizeof training, loss, FASTNN_ADAM) == FASTNN_OK);
        training.from_logits = by_class ? 1 : 0;
        training.label_smoothing = 0.1;
        REQUIRE(fastnn_network_compile(network.get(), &training) == FASTNN_OK);
        const std::vector<float> x = golden::centred<float>(1, 32 * 40, 2), y = golden::positive<float>(2, 32 * 4, 1);
        const std::vector<std::int64_t> classes = golden::indices(3, 32, 4);
        const auto step = [&](std::int64_t rows) {
            return fastnn_network_train_step_f32(network.get(), rows, x.data(), by_class ? nullptr : y.data(),
                                                 by_class ? classes.data() : nullptr, nullptr, 0.01, nullptr);
        };
        REQUIRE(step(32) == FASTNN_OK);
        const long before = allocations();
        for (const std::int64_t rows : {32, 5, 31}) REQUIRE(step(rows) == FASTNN_OK);
        CHECK(allocations() == before);
    }
}
