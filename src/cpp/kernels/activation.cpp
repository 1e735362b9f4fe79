#include "activation.h"

#include "activation_kinds.h"
#include "lanes.h"
#include "spans.h"

namespace fastnn {
namespace FASTNN_TARGET {
namespace {

// y = f(a) over n elements. f stands in the code once, for whole vectors and the rest alike: an element's bits do not
// depend on where it stands, and the code is half as large.
template <class T, class F>
FASTNN_INLINE void map(const T* a, T* y, ptrdiff_t n, F f) {
    for (ptrdiff_t i = 0; i < n; i += lane_count<T>) {
        const bool whole = n - i >= lane_count<T>;
        const vec<T> v = whole ? load(a + i) : load(a + i, Tail<T>(n - i));
        const vec<T> result = f(v);
        if (whole) {
            store(y + i, result);
        } else {
            store(y + i, result, Tail<T>(n - i));
        }
    }
}
template <class T, class F>
FASTNN_INLINE void map2(const T* a, const T* b, T* y, ptrdiff_t n, F f) {
    for (ptrdiff_t i = 0; i < n; i += lane_count<T>) {
        const bool whole = n - i >= lane_count<T>;
        const vec<T> v = whole ? load(a + i) : load(a + i, Tail<T>(n - i));
        const vec<T> w = whole ? load(b + i) : load(b + i, Tail<T>(n - i));
        const vec<T> result = f(v, w);
        if (whole) {
            store(y + i, result);
        } else {
            store(y + i, result, Tail<T>(n - i));
        }
    }
}

template <Kind kKind, class T>
void forward_of(T parameter, const T* z, T* y, ptrdiff_t n) {
    const vec<T> p = set1(parameter);
    map(z, y, n, [p](vec<T> v) { return activate<kKind, T>(v, p); });
}

template <Kind kKind, class T>
void backward_of(T parameter, const T* dy, const T* saved, T* dz, ptrdiff_t n) {
    const vec<T> p = set1(parameter);
    map2(dy, saved, dz, n, [p](vec<T> d, vec<T> s) { return slope_times<kKind, T>(d, s, p); });
}

// clang-format off
#define FASTNN_EACH_KIND(CASE)                                                                   \
    CASE(identity) CASE(step) CASE(sign) CASE(sigmoid) CASE(tanh) CASE(relu) CASE(relu6)         \
    CASE(leaky_relu) CASE(elu) CASE(selu) CASE(celu) CASE(softplus) CASE(softsign) CASE(swish)   \
    CASE(gelu) CASE(gelu_tanh) CASE(mish) CASE(hard_sigmoid) CASE(hard_swish) CASE(exponential)
// clang-format on

template <class T>
void forward(int kind, T parameter, const T* z, T* y, ptrdiff_t n) {
#define FASTNN_CASE(name) \
    case Kind::name:      \
        return forward_of<Kind::name, T>(parameter, z, y, n);
    switch (static_cast<Kind>(kind)) { FASTNN_EACH_KIND(FASTNN_CASE) }
#undef FASTNN_CASE
}

template <class T>
void backward(int kind, T parameter, const T* dy, const T* saved, T* dz, ptrdiff_t n) {
#define FASTNN_CASE(name) \
    case Kind::name:      \
        return backward_of<Kind::name, T>(parameter, dy, saved, dz, n);
    switch (static_cast<Kind>(kind)) { FASTNN_EACH_KIND(FASTNN_CASE) }
#undef FASTNN_CASE
}

template <class T>
void prelu(const T* x, const T* slope, T* y, ptrdiff_t rows, ptrdiff_t columns) {
    for (ptrdiff_t row = 0; row < rows; ++row) {
        map2(x + row * columns, slope, y + row * columns, columns,
             [](vec<T> v, vec<T> s) { return activate<Kind::leaky_relu, T>(v, s); });
    }
}

template <class T>
FASTNN_INLINE vec<T> add_slope_gradient(vec<T> dy, vec<T> x, vec<T> sum) {
    return select(x > vec<T>{}, sum, fma(dy, x, sum));
}

template <class T>
void prelu_backward(const T* dy, const T* x, const T* slope, T* dx, T* sums, ptrdiff_t rows, ptrdiff_t columns,
                    ptrdiff_t stride) {
    for_vectors<T>(columns, [=](ptrdiff_t j, auto lanes) {
        const vec<T> s = load(slope + j, lanes);
        vec<T> sum = {};
        for (ptrdiff_t row = 0; row < rows; ++row) {
            const ptrdiff_t at = row * stride + j;
            const vec<T> d = load(dy + at, lanes), v = load(x + at, lanes);
            sum = add_slope_gradient<T>(d, v, sum);
            store(dx + at, slope_times<Kind::leaky_relu, T>(d, v, s), lanes);
        }
        store(sums + j, sum, lanes);
    });
}

template <class T>
T prelu_backward_shared(const T* dy, const T* x, T slope, T* dx, ptrdiff_t n) {
    const vec<T> s = set1(slope);
    Lanes<T> sums = Lanes<T>::all(0);
    ptrdiff_t i = 0;
    const auto step = [&](ptrdiff_t part, auto lanes) {
        const ptrdiff_t at = i + part * lane_count<T>;
        const vec<T> d = load(dy + at, lanes), v = load(x + at, lanes);
        sums.part[part] = add_slope_gradient<T>(d, v, sums.part[part]);
        store(dx + at, slope_times<Kind::leaky_relu, T>(d, v, s), lanes);
    };
    for (; i + kLanes <= n; i += kLanes) {
        for (ptrdiff_t part = 0; part < lane_vectors<T>; ++part) step(part, Whole<T>());
    }
    for (ptrdiff_t part = 0; part * lane_count<T> < n - i; ++part) {
        const ptrdiff_t left = n - i - part * lane_count<T>;
        step(part, Tail<T>(left < lane_count<T> ? left : lane_count<T>));
    }
    return tree_sum(sums);
}

template <class T>
void evaluate(int function, const T* x, T* y, ptrdiff_t n) {
#define FASTNN_CASE(name) \
    case Function::name:  \
        return map(x, y, n, [](vec<T> v) { return FASTNN_TARGET::name(v); });
    switch (static_cast<Function>(function)) {
        FASTNN_CASE(exp)
        FASTNN_CASE(expm1)
        FASTNN_CASE(log)
        FASTNN_CASE(log1p)
        FASTNN_CASE(tanh)
        FASTNN_CASE(sigmoid)
        FASTNN_CASE(erf)
    }
#undef FASTNN_CASE
}

}  // namespace

extern const ActivationKernels<float> activation_f32;
extern const ActivationKernels<double> activation_f64;
const ActivationKernels<float> activation_f32 = {
    forward<float>, backward<float>, prelu<float>, prelu_backward<float>, prelu_backward_shared<float>,
    evaluate<float>};
const ActivationKernels<double> activation_f64 = {
    forward<double>, backward<double>, prelu<double>, prelu_backward<double>, prelu_backward_shared<double>,
    evaluate<double>};

}  // namespace FASTNN_TARGET
}  // namespace fastnn
