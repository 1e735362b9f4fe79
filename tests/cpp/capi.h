// What every function of the C interface is held to: an operation is described once (its sizes, its arrays, the call
// and what the core does instead), and check() goes through good and bad arguments.
#ifndef FASTNN_TESTS_CAPI_H
#define FASTNN_TESTS_CAPI_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "fastnn/fastnn.h"

namespace capi {

using Sizes = std::vector<std::int64_t>;

enum class Fill { centred, positive, probabilities, classes };  // classes: in [0, sizes[1])

struct Operand {
    const char* name;
    std::size_t element_bytes;
    std::function<std::int64_t(const Sizes&)> elements;
    bool is_output = false;
    bool is_optional = false;
    bool may_be_first = false;
    bool is_null = false;  // not given in an ordinary call
    Fill fill = Fill::centred;
};

template <class T>
Operand input(const char* name, std::function<std::int64_t(const Sizes&)> elements, Fill fill = Fill::centred) {
    return {name, sizeof(T), std::move(elements), false, false, false, false, fill};
}
template <class T>
Operand output(const char* name, std::function<std::int64_t(const Sizes&)> elements, bool may_be_first = false) {
    return {name, sizeof(T), std::move(elements), true, false, may_be_first, false, Fill::positive};
}
inline Operand optional(Operand operand) {
    operand.is_optional = true;
    return operand;
}
inline Operand absent(Operand operand) {
    operand.is_optional = operand.is_null = true;
    return operand;
}

struct Operation {
    std::string name;
    std::vector<Operand> operands;
    std::vector<Sizes> shapes;  // of ordinary calls; the first one is what bad arguments are made from
    std::function<fastnn_status(const Sizes&, void* const*, void*, std::size_t)> call;
    std::function<void(const Sizes&, void* const*)> core;  // the same, by the core
    std::function<std::size_t(const Sizes&)> scratch;      // empty if the function takes none
};

// Every shape on several numbers of threads, with the caller's scratch memory and the library's: the bits of the core.
// Then the first shape with bad arguments: the right status, and nothing written.
void check(const Operation& operation);

// The products of some sizes.
std::vector<Sizes> all_of(const std::vector<std::vector<std::int64_t>>& choices);

// Elements: a product of sizes.
inline std::function<std::int64_t(const Sizes&)> product(std::vector<std::size_t> which) {
    return [which](const Sizes& sizes) {
        std::int64_t n = 1;
        for (const std::size_t i : which) n *= sizes[i];
        return n;
    };
}

template <class T>
T* as(void* p) {
    return static_cast<T*>(p);
}

// fastnn_NAME_f32 or _f64.
template <class T>
struct Api;
#define FASTNN_TEST_API(T, S)                                                                         \
    template <>                                                                                       \
    struct Api<T> {                                                                                   \
        static constexpr const char* kSuffix = "_" #S;                                                \
        static constexpr auto dense = fastnn_dense_##S;                                               \
        static constexpr auto dense_scratch = fastnn_dense_scratch_##S;                               \
        static constexpr auto dense_backward = fastnn_dense_backward_##S;                             \
        static constexpr auto dense_backward_scratch = fastnn_dense_backward_scratch_##S;             \
        static constexpr auto packed_dense_bytes = fastnn_packed_dense_bytes_##S;                     \
        static constexpr auto pack_dense = fastnn_pack_dense_##S;                                     \
        static constexpr auto packed_dense = fastnn_packed_dense_##S;                                 \
        static constexpr auto packed_dense_scratch = fastnn_packed_dense_scratch_##S;                 \
        static constexpr auto activation = fastnn_activation_##S;                                     \
        static constexpr auto activation_backward = fastnn_activation_backward_##S;                   \
        static constexpr auto prelu = fastnn_prelu_##S;                                               \
        static constexpr auto prelu_backward = fastnn_prelu_backward_##S;                             \
        static constexpr auto prelu_backward_scratch = fastnn_prelu_backward_scratch_##S;             \
        static constexpr auto rrelu = fastnn_rrelu_##S;                                               \
        static constexpr auto rrelu_backward = fastnn_rrelu_backward_##S;                             \
        static constexpr auto dropout = fastnn_dropout_##S;                                           \
        static constexpr auto dropout_backward = fastnn_dropout_backward_##S;                         \
        static constexpr auto softmax = fastnn_softmax_##S;                                           \
        static constexpr auto softmax_backward = fastnn_softmax_backward_##S;                         \
        static constexpr auto log_softmax = fastnn_log_softmax_##S;                                   \
        static constexpr auto log_softmax_backward = fastnn_log_softmax_backward_##S;                 \
        static constexpr auto logsumexp = fastnn_logsumexp_##S;                                       \
        static constexpr auto softmax_scratch = fastnn_softmax_scratch_##S;                           \
        static constexpr auto cross_entropy = fastnn_cross_entropy_##S;                               \
        static constexpr auto cross_entropy_with_grad = fastnn_cross_entropy_with_grad_##S;           \
        static constexpr auto categorical = fastnn_categorical_cross_entropy_##S;                     \
        static constexpr auto categorical_with_grad = fastnn_categorical_cross_entropy_with_grad_##S; \
        static constexpr auto cross_entropy_scratch = fastnn_cross_entropy_scratch_##S;               \
        static constexpr auto loss = fastnn_loss_##S;                                                 \
        static constexpr auto loss_with_grad = fastnn_loss_with_grad_##S;                             \
        static constexpr auto loss_scratch = fastnn_loss_scratch_##S;                                 \
        static constexpr auto sgd_step = fastnn_sgd_step_##S;                                         \
        static constexpr auto adam_step = fastnn_adam_step_##S;                                       \
        static constexpr auto rmsprop_step = fastnn_rmsprop_step_##S;                                 \
        static constexpr auto adagrad_step = fastnn_adagrad_step_##S;                                 \
        static constexpr auto global_norm = fastnn_global_norm_##S;                                   \
        static constexpr auto global_norm_scratch = fastnn_global_norm_scratch_##S;                   \
    };
FASTNN_TEST_API(float, f32)
FASTNN_TEST_API(double, f64)
#undef FASTNN_TEST_API

}  // namespace capi

#endif
