#include "optimizer.h"

#include "adam.h"
#include "lanes.h"
#include "spans.h"

namespace fastnn {
namespace FASTNN_TARGET {
namespace {

// A zero decay is left out, as 0 * p is nan where p is infinite.
template <class T>
FASTNN_INLINE vec<T> decayed(vec<T> g, vec<T> p, T weight_decay) {
    return weight_decay == 0 ? g : fma(set1(weight_decay), p, g);
}

template <class T>
void sgd(const SgdStep<T>& step, T* p, const T* g, T* velocity, ptrdiff_t n) {
    const vec<T> lr = set1(step.lr), momentum = set1(step.momentum);
    for_vectors<T>(
        n, [&](ptrdiff_t i, auto lanes) __attribute__((always_inline)) {
            const vec<T> old = load(p + i, lanes);
            vec<T> direction = decayed<T>(load(g + i, lanes), old, step.weight_decay);
            if (velocity != nullptr) {
                const vec<T> v = without_denormals(fma(momentum, load(velocity + i, lanes), direction));
                store(velocity + i, v, lanes);
                direction = step.nesterov ? fma(momentum, v, direction) : v;
            }
            store(p + i, fnma(lr, direction, old), lanes);
        });
}

template <class T>
void adam(const AdamStep<T>& step, T* p, const T* g, T* m, T* v, ptrdiff_t n) {
    const AdamVectors<T> vectors(step);
    for_vectors<T>(
        n, [&](ptrdiff_t i, auto lanes) __attribute__((always_inline)) {
            const vec<T> old = load(p + i, lanes);
            const vec<T> gradient = decayed<T>(load(g + i, lanes), old, step.weight_decay);
            adam_vector<true>(vectors, gradient, old, p + i, m + i, v + i, lanes);
        });
}

template <class T>
void rmsprop(const RmspropStep<T>& step, T* p, const T* g, T* v, T* buffer, ptrdiff_t n) {
    const vec<T> lr = set1(step.lr), alpha = set1(step.alpha), new_part = set1(step.one_minus_alpha);
    const vec<T> eps = set1(step.eps), momentum = set1(step.momentum), added = set1(step.added);
    for_vectors<T>(
        n, [&](ptrdiff_t i, auto lanes) __attribute__((always_inline)) {
            const vec<T> old = load(p + i, lanes);
            const vec<T> gradient = decayed<T>(load(g + i, lanes), old, step.weight_decay);
            const vec<T> kept = alpha * load(v + i, lanes) + added;
            const vec<T> new_v = without_denormals(fma(new_part * gradient, gradient, kept));
            store(v + i, new_v, lanes);
            vec<T> direction = gradient / (sqrt(new_v) + eps);
            if (buffer != nullptr) {
                direction = without_denormals(fma(momentum, load(buffer + i, lanes), direction));
                store(buffer + i, direction, lanes);
            }
            store(p + i, fnma(lr, direction, old), lanes);
        });
}

template <class T>
void adagrad(const AdagradStep<T>& step, T* p, const T* g, T* s, ptrdiff_t n) {
    const vec<T> lr = set1(step.lr), eps = set1(step.eps);
    for_vectors<T>(
        n, [&](ptrdiff_t i, auto lanes) __attribute__((always_inline)) {
            const vec<T> old = load(p + i, lanes);
            const vec<T> gradient = decayed<T>(load(g + i, lanes), old, step.weight_decay);
            const vec<T> new_s = without_denormals(fma(gradient, gradient, load(s + i, lanes)));
            store(s + i, new_s, lanes);
            store(p + i, fnma(lr, gradient / (sqrt(new_s) + eps), old), lanes);
        });
}

typedef float half_f32 __attribute__((vector_size(FASTNN_VECTOR_BYTES / 2)));

FASTNN_INLINE f64 load_f64(const double* p) { return load(p); }
FASTNN_INLINE f64 load_f64(const float* p) {
    half_f32 v;
    memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, f64);
}

template <class T>
FASTNN_INLINE void add_squares16(Lanes<double>& sums, const T* x) {
    for (ptrdiff_t v = 0; v < lane_vectors<double>; ++v) {
        const f64 a = load_f64(x + v * lane_count<double>);
        sums.part[v] = fma(a, a, sums.part[v]);
    }
}

template <class T>
double sum_of_squares(const T* x, ptrdiff_t n) {
    Lanes<double> sums = Lanes<double>::all(0.0);
    ptrdiff_t i = 0;
    for (; i + kLanes <= n; i += kLanes) add_squares16(sums, x + i);
    if (i < n) {
        // Zeros leave a sum's bits alone: no lane is ever -0.
        T rest[kLanes] = {};
        memcpy(rest, x + i, static_cast<size_t>(n - i) * sizeof(T));
        add_squares16(sums, rest);
    }
    return tree_sum(sums);
}

}  // namespace

extern const OptimizerKernels<float> optimizer_f32;
extern const OptimizerKernels<double> optimizer_f64;
const OptimizerKernels<float> optimizer_f32 = {&sgd<float>, &adam<float>, &rmsprop<float>, &adagrad<float>,
                                               &sum_of_squares<float>};
const OptimizerKernels<double> optimizer_f64 = {&sgd<double>, &adam<double>, &rmsprop<double>, &adagrad<double>,
                                                &sum_of_squares<double>};

}  // namespace FASTNN_TARGET
}  // namespace fastnn
