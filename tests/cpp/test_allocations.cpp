// Training allocates nothing once its first step is done; and that allocations and system calls are seen at all.
#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "allocations.h"
#include "core/network.h"
#include "core/threads.h"
#include "golden_inputs.h"

TEST_CASE("allocations are counted and system calls are seen") {
    const long before = allocations();
    ::operator delete(::operator new(8));
    if (before > 0) CHECK(allocations() == before + 1);
    const Quiet quiet = runs_quietly([] { return true; });
    if (quiet == Quiet::cannot_tell) {
        MESSAGE("left out: this system cannot forbid system calls, or this build cannot go without");
        return;
    }
    CHECK(quiet == Quiet::yes);
    CHECK(runs_quietly([] { return false; }) == Quiet::failed);
    CHECK(runs_quietly([] {
              std::this_thread::yield();
              return true;
          }) == Quiet::no);
}

TEST_CASE("no allocation after the first step") {
    using fastnn::Operation;
    const int before = fastnn::thread_count();
    for (const int threads : {1, 3}) {
        CAPTURE(threads);
        fastnn::set_thread_count(threads);
        fastnn::parallel(threads, [](int) {});  // the pool starts its threads when they are first wanted
        std::vector<fastnn::StageOptions> stages(4);
        stages[0] = {Operation::dense, 150};
        stages[0].kind = fastnn::Kind::relu;
        stages[0].has_bias = true;
        stages[1] = {Operation::dropout, 150};
        stages[1].rate = 0.3;
        stages[2] = {Operation::dense, 10};
        stages[3] = {Operation::softmax, 10};
        fastnn::Network<float> network(70, stages);
        for (std::size_t v = 0; v < network.variables(); ++v) {
            network.set_variable(v, golden::centred<float>(v, network.variable_size(v), 0.5).data());
        }
        fastnn::NetworkLoss loss = {};
        loss.form = fastnn::NetworkLoss::Form::from_logits;
        loss.mean = true;
        loss.skips_last = true;
        fastnn::OptimizerOptions adam = {};
        adam.kind = fastnn::OptimizerKind::adam;
        adam.beta1 = 0.9;
        adam.beta2 = 0.999;
        adam.epsilon = 1e-7;
        network.compile(loss, adam, std::vector<fastnn::Penalty>(network.variables()));
        constexpr std::ptrdiff_t kRows = 640, kBatch = 64, kSteps = kRows / kBatch;
        const std::vector<float> x = golden::centred<float>(1, kRows * 70, 2);
        const std::vector<std::int64_t> y = golden::indices(2, kRows, 10), order = golden::indices(3, kRows, kRows);
        const std::vector<double> rates(kSteps, 0.01);
        std::vector<double> losses(kSteps);
        fastnn::TrainCall<float> call = {};
        call.x.data = x.data();
        call.x.type = fastnn::RowSource::Type::f32;
        call.x.columns = 70;
        call.order = order.data();
        call.rows = kRows;
        call.batch_size = kBatch;
        call.index = y.data();
        call.last = 1;
        call.rates = rates.data();
        call.losses = losses.data();
        call.seconds = 1e9;
        network.train(call);
        call.first = 1;
        call.last = kSteps;
        const long start = allocations();
        network.train(call);
        CHECK(allocations() == start);
    }
    fastnn::set_thread_count(before);
}
