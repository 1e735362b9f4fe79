/* The operations over caller-owned arrays, for float (_f32) and double (_f64). C11 and C++17.
 *
 * Results have the bits that Python gets from the native backend, whatever the number of threads. Every function is
 * thread-safe, and throws nothing.
 *
 * Arrays are C-contiguous and aligned to their elements; their shapes stand beside the names, in these letters: B
 * batch, I inputs, O outputs, C classes. Sizes may be 0; the pointer to an array without elements is not looked at. No
 * output may overlap another array, scratch memory included. Where "may be x" stands it may be exactly x. Inputs may
 * overlap one another.
 *
 * A function checks everything before it writes anything, and answers:
 *   FASTNN_NULL_POINTER   a pointer is null, and "or NULL" does not stand beside it
 *   FASTNN_BAD_SIZE       a size is negative, or an array's bytes cannot be counted
 *   FASTNN_BAD_VALUE      a number or an enumerator is out of its range, or an array is misaligned
 *   FASTNN_BAD_CLASS      a class index is neither in [0, C) nor ignored
 *   FASTNN_OVERLAP        an output overlaps another array
 *   FASTNN_SMALL_SCRATCH  see below
 *   FASTNN_NO_MEMORY      only where the library's own scratch memory is used
 *
 * Scratch memory. Functions with the parameters `scratch` and `scratch_bytes` need working memory: as many bytes as the
 * function NAME_scratch says for the same sizes, aligned to 64 bytes (FASTNN_ALIGNMENT). It holds nothing between
 * calls. The number grows with the number of threads: ask again after fastnn_set_num_threads. Sizes that the function
 * refuses give 0. Or pass NULL and 0: then the library's own memory of the calling thread is used, which the first
 * calls allocate. With the caller's memory and one thread a call takes no lock, allocates nothing and asks nothing of
 * the system, once fastnn_prepare has been called in the thread.
 */
#ifndef FASTNN_OPERATIONS_H
#define FASTNN_OPERATIONS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FASTNN_ALIGNMENT 64

/* Activations. `parameter` is what stands beside the name, and is not looked at by the others. */
typedef int32_t fastnn_activation;
enum {
    FASTNN_IDENTITY = 0,
    FASTNN_STEP = 1,
    FASTNN_SIGN = 2,
    FASTNN_SIGMOID = 3,
    FASTNN_TANH = 4,
    FASTNN_RELU = 5,
    FASTNN_RELU6 = 6,
    FASTNN_LEAKY_RELU = 7, /* negative slope, usually 0.01 */
    FASTNN_ELU = 8,        /* alpha, usually 1 */
    FASTNN_SELU = 9,
    FASTNN_CELU = 10,     /* alpha, usually 1; not 0 */
    FASTNN_SOFTPLUS = 11, /* beta, usually 1; above 0 */
    FASTNN_SOFTSIGN = 12,
    FASTNN_SWISH = 13, /* beta, usually 1 */
    FASTNN_GELU = 14,
    FASTNN_GELU_TANH = 15,
    FASTNN_MISH = 16,
    FASTNN_HARD_SIGMOID = 17,
    FASTNN_HARD_SWISH = 18,
    FASTNN_EXPONENTIAL = 19
};

/* Losses of one element each, but for FASTNN_SUM_SQUARED_ERROR. */
typedef int32_t fastnn_loss_kind;
enum {
    FASTNN_MSE = 0,
    FASTNN_MAE = 1,
    FASTNN_HUBER = 2,
    FASTNN_SUM_SQUARED_ERROR = 3, /* one loss a row */
    FASTNN_POISSON = 4,
    FASTNN_HINGE = 5,
    FASTNN_BINARY_CROSS_ENTROPY = 6,
    FASTNN_BINARY_CROSS_ENTROPY_WITH_LOGITS = 7
};

/* Of several losses. A mean divides by the sum of the weights; over nothing it is nan. */
typedef int32_t fastnn_reduction;
enum { FASTNN_NONE = 0, FASTNN_MEAN = 1, FASTNN_SUM = 2 };

/* ---- dense ---- */

/* y (B, O) = f(x (B, I) w + b). w is (I, O), or with w_transposed (O, I). b (O,) or NULL. z (B, O) or NULL receives
 * x w + b. */
FASTNN_API fastnn_status fastnn_dense_f32(int64_t batch, int64_t inputs, int64_t outputs, const float* x,
                                          const float* w, int32_t w_transposed, const float* b,
                                          fastnn_activation activation, double parameter, float* y, float* z,
                                          void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_dense_f64(int64_t batch, int64_t inputs, int64_t outputs, const double* x,
                                          const double* w, int32_t w_transposed, const double* b,
                                          fastnn_activation activation, double parameter, double* y, double* z,
                                          void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_dense_scratch_f32(int64_t batch, int64_t inputs, int64_t outputs) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_dense_scratch_f64(int64_t batch, int64_t inputs, int64_t outputs) FASTNN_NOEXCEPT;

/* From dy (B, O) the gradients dx (B, I), dw (I, O) and db (O,), each or NULL. x, w as in the forward pass. y (B, O),
 * its result, is read unless fastnn_activation_needs_z, and z (B, O) is read then; the other, and both of them for
 * FASTNN_IDENTITY, may be NULL. x may be NULL without dw, and w without dx. */
FASTNN_API fastnn_status fastnn_dense_backward_f32(int64_t batch, int64_t inputs, int64_t outputs, const float* dy,
                                                   const float* x, const float* w, int32_t w_transposed, const float* y,
                                                   const float* z, fastnn_activation activation, double parameter,
                                                   float* dx, float* dw, float* db, void* scratch,
                                                   size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_dense_backward_f64(int64_t batch, int64_t inputs, int64_t outputs, const double* dy,
                                                   const double* x, const double* w, int32_t w_transposed,
                                                   const double* y, const double* z, fastnn_activation activation,
                                                   double parameter, double* dx, double* dw, double* db, void* scratch,
                                                   size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_dense_backward_scratch_f32(int64_t batch, int64_t inputs, int64_t outputs) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_dense_backward_scratch_f64(int64_t batch, int64_t inputs, int64_t outputs) FASTNN_NOEXCEPT;

/* Weights packed ahead: pack once, run many times. Their layout is that of the process's instruction set; do not store
 * them. packed has fastnn_packed_dense_bytes bytes, best aligned to FASTNN_ALIGNMENT; sizes that cannot be give 0. */
FASTNN_API size_t fastnn_packed_dense_bytes_f32(int64_t inputs, int64_t outputs) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_packed_dense_bytes_f64(int64_t inputs, int64_t outputs) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_pack_dense_f32(int64_t inputs, int64_t outputs, const float* w, int32_t w_transposed,
                                               float* packed) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_pack_dense_f64(int64_t inputs, int64_t outputs, const double* w, int32_t w_transposed,
                                               double* packed) FASTNN_NOEXCEPT;
/* As fastnn_dense, with the same bits. */
FASTNN_API fastnn_status fastnn_packed_dense_f32(int64_t batch, int64_t inputs, int64_t outputs, const float* x,
                                                 const float* packed, const float* b, fastnn_activation activation,
                                                 double parameter, float* y, void* scratch,
                                                 size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_packed_dense_f64(int64_t batch, int64_t inputs, int64_t outputs, const double* x,
                                                 const double* packed, const double* b, fastnn_activation activation,
                                                 double parameter, double* y, void* scratch,
                                                 size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_packed_dense_scratch_f32(int64_t batch, int64_t inputs, int64_t outputs) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_packed_dense_scratch_f64(int64_t batch, int64_t inputs, int64_t outputs) FASTNN_NOEXCEPT;

/* ---- activation ---- */

/* 1 if the derivative of the activation has to be had from z, because two z can share one y; else 0. */
FASTNN_API int32_t fastnn_activation_needs_z(fastnn_activation activation, double parameter) FASTNN_NOEXCEPT;
/* The usual parameter; 0 for activations without one. */
FASTNN_API double fastnn_activation_default(fastnn_activation activation) FASTNN_NOEXCEPT;

/* y (n,) = f(z (n,)); y may be z. */
FASTNN_API fastnn_status fastnn_activation_f32(int64_t n, const float* z, fastnn_activation activation,
                                               double parameter, float* y) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_activation_f64(int64_t n, const double* z, fastnn_activation activation,
                                               double parameter, double* y) FASTNN_NOEXCEPT;
/* dz (n,) = dy (n,) f'; dz may be dy. y (n,) is read unless fastnn_activation_needs_z, and z (n,) is read then; the
 * other may be NULL. */
FASTNN_API fastnn_status fastnn_activation_backward_f32(int64_t n, const float* dy, const float* y, const float* z,
                                                        fastnn_activation activation, double parameter,
                                                        float* dz) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_activation_backward_f64(int64_t n, const double* dy, const double* y, const double* z,
                                                        fastnn_activation activation, double parameter,
                                                        double* dz) FASTNN_NOEXCEPT;

/* y = x > 0 ? x : slope x over x, y (rows, columns); y may be x. slope (slopes,): slopes is columns, or 1 for all. */
FASTNN_API fastnn_status fastnn_prelu_f32(int64_t rows, int64_t columns, int64_t slopes, const float* x,
                                          const float* slope, float* y) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_prelu_f64(int64_t rows, int64_t columns, int64_t slopes, const double* x,
                                          const double* slope, double* y) FASTNN_NOEXCEPT;
/* dx (rows, columns) and dslope (slopes,) from dy, x (rows, columns). */
FASTNN_API fastnn_status fastnn_prelu_backward_f32(int64_t rows, int64_t columns, int64_t slopes, const float* dy,
                                                   const float* x, const float* slope, float* dx, float* dslope,
                                                   void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_prelu_backward_f64(int64_t rows, int64_t columns, int64_t slopes, const double* dy,
                                                   const double* x, const double* slope, double* dx, double* dslope,
                                                   void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_prelu_backward_scratch_f32(int64_t rows, int64_t columns, int64_t slopes) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_prelu_backward_scratch_f64(int64_t rows, int64_t columns, int64_t slopes) FASTNN_NOEXCEPT;

/* ---- random: the numbers of an element depend on seed, counter and its index alone ---- */

/* y (n,) = x (n,) where x >= 0, else x times a slope drawn from [lower, upper), or without `training` their mean.
 * lower <= upper. y may be x. */
FASTNN_API fastnn_status fastnn_rrelu_f32(int64_t n, const float* x, double lower, double upper, int32_t training,
                                          uint64_t seed, uint64_t counter, float* y) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_rrelu_f64(int64_t n, const double* x, double lower, double upper, int32_t training,
                                          uint64_t seed, uint64_t counter, double* y) FASTNN_NOEXCEPT;
/* dx (n,) from dy, x (n,), with the same slopes; dx may be dy. */
FASTNN_API fastnn_status fastnn_rrelu_backward_f32(int64_t n, const float* dy, const float* x, double lower,
                                                   double upper, int32_t training, uint64_t seed, uint64_t counter,
                                                   float* dx) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_rrelu_backward_f64(int64_t n, const double* dy, const double* x, double lower,
                                                   double upper, int32_t training, uint64_t seed, uint64_t counter,
                                                   double* dx) FASTNN_NOEXCEPT;

/* y (n,) = 0 with probability p (0 <= p <= 1), else x (n,) / (1 - p). y may be x. */
FASTNN_API fastnn_status fastnn_dropout_f32(int64_t n, const float* x, double p, uint64_t seed, uint64_t counter,
                                            float* y) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_dropout_f64(int64_t n, const double* x, double p, uint64_t seed, uint64_t counter,
                                            double* y) FASTNN_NOEXCEPT;
/* dx (n,) from dy (n,), with the same mask; dx may be dy. */
FASTNN_API fastnn_status fastnn_dropout_backward_f32(int64_t n, const float* dy, double p, uint64_t seed,
                                                     uint64_t counter, float* dx) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_dropout_backward_f64(int64_t n, const double* dy, double p, uint64_t seed,
                                                     uint64_t counter, double* dx) FASTNN_NOEXCEPT;

/* ---- softmax: over the rows of (rows, C) ---- */

/* y may be x, and dx may be dy. y of a backward pass is the forward pass's result. All five need the same scratch. */
FASTNN_API fastnn_status fastnn_softmax_f32(int64_t rows, int64_t classes, const float* x, float* y, void* scratch,
                                            size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_softmax_f64(int64_t rows, int64_t classes, const double* x, double* y, void* scratch,
                                            size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_softmax_backward_f32(int64_t rows, int64_t classes, const float* dy, const float* y,
                                                     float* dx, void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_softmax_backward_f64(int64_t rows, int64_t classes, const double* dy, const double* y,
                                                     double* dx, void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_log_softmax_f32(int64_t rows, int64_t classes, const float* x, float* y, void* scratch,
                                                size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_log_softmax_f64(int64_t rows, int64_t classes, const double* x, double* y,
                                                void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_log_softmax_backward_f32(int64_t rows, int64_t classes, const float* dy, const float* y,
                                                         float* dx, void* scratch,
                                                         size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_log_softmax_backward_f64(int64_t rows, int64_t classes, const double* dy,
                                                         const double* y, double* dx, void* scratch,
                                                         size_t scratch_bytes) FASTNN_NOEXCEPT;
/* s (rows,) */
FASTNN_API fastnn_status fastnn_logsumexp_f32(int64_t rows, int64_t classes, const float* x, float* s, void* scratch,
                                              size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_logsumexp_f64(int64_t rows, int64_t classes, const double* x, double* s, void* scratch,
                                              size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_softmax_scratch_f32(int64_t rows, int64_t classes) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_softmax_scratch_f64(int64_t rows, int64_t classes) FASTNN_NOEXCEPT;

/* ---- cross_entropy ---- */

/* The loss of logits (rows, C) against class indices targets (rows,), or if that is NULL against probabilities
 * (rows, C); one of both is NULL. Rows whose index is ignore_index (Python's default: -100) have neither loss nor
 * weight. weight (C,) or NULL for ones. 0 <= label_smoothing <= 1. loss (1,), or (rows,) with FASTNN_NONE. All four
 * need the same scratch. */
FASTNN_API fastnn_status fastnn_cross_entropy_f32(int64_t rows, int64_t classes, const float* logits,
                                                  const int64_t* targets, const float* probabilities,
                                                  const float* weight, int64_t ignore_index, double label_smoothing,
                                                  fastnn_reduction reduction, float* loss, void* scratch,
                                                  size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_cross_entropy_f64(int64_t rows, int64_t classes, const double* logits,
                                                  const int64_t* targets, const double* probabilities,
                                                  const double* weight, int64_t ignore_index, double label_smoothing,
                                                  fastnn_reduction reduction, double* loss, void* scratch,
                                                  size_t scratch_bytes) FASTNN_NOEXCEPT;
/* And its gradient dlogits (rows, C), which may be logits, multiplied by dloss; or, if it is not NULL and only with
 * FASTNN_NONE, by the row's own of dlosses (rows,). */
FASTNN_API fastnn_status fastnn_cross_entropy_with_grad_f32(
    int64_t rows, int64_t classes, const float* logits, const int64_t* targets, const float* probabilities,
    const float* weight, const float* dlosses, int64_t ignore_index, double label_smoothing, fastnn_reduction reduction,
    double dloss, float* loss, float* dlogits, void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_cross_entropy_with_grad_f64(int64_t rows, int64_t classes, const double* logits,
                                                            const int64_t* targets, const double* probabilities,
                                                            const double* weight, const double* dlosses,
                                                            int64_t ignore_index, double label_smoothing,
                                                            fastnn_reduction reduction, double dloss, double* loss,
                                                            double* dlogits, void* scratch,
                                                            size_t scratch_bytes) FASTNN_NOEXCEPT;
/* The same from probabilities p (rows, C), clipped at 1e-7; no index is ignored. */
FASTNN_API fastnn_status fastnn_categorical_cross_entropy_f32(int64_t rows, int64_t classes, const float* p,
                                                              const int64_t* targets, const float* probabilities,
                                                              const float* weight, double label_smoothing,
                                                              fastnn_reduction reduction, float* loss, void* scratch,
                                                              size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_categorical_cross_entropy_f64(int64_t rows, int64_t classes, const double* p,
                                                              const int64_t* targets, const double* probabilities,
                                                              const double* weight, double label_smoothing,
                                                              fastnn_reduction reduction, double* loss, void* scratch,
                                                              size_t scratch_bytes) FASTNN_NOEXCEPT;
/* dp (rows, C) may be p. */
FASTNN_API fastnn_status fastnn_categorical_cross_entropy_with_grad_f32(
    int64_t rows, int64_t classes, const float* p, const int64_t* targets, const float* probabilities,
    const float* weight, const float* dlosses, double label_smoothing, fastnn_reduction reduction, double dloss,
    float* loss, float* dp, void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_categorical_cross_entropy_with_grad_f64(
    int64_t rows, int64_t classes, const double* p, const int64_t* targets, const double* probabilities,
    const double* weight, const double* dlosses, double label_smoothing, fastnn_reduction reduction, double dloss,
    double* loss, double* dp, void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_cross_entropy_scratch_f32(int64_t rows, int64_t classes) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_cross_entropy_scratch_f64(int64_t rows, int64_t classes) FASTNN_NOEXCEPT;

/* ---- loss ---- */

/* The loss of y (rows, columns) against targets (rows, columns). delta is FASTNN_HUBER's, above 0, and not looked at by
 * the others. weight (rows,) or NULL for ones. loss (1,), or with FASTNN_NONE (rows, columns), or (rows,) for
 * FASTNN_SUM_SQUARED_ERROR. Both need the same scratch. */
FASTNN_API fastnn_status fastnn_loss_f32(int64_t rows, int64_t columns, const float* y, const float* targets,
                                         const float* weight, fastnn_loss_kind kind, double delta,
                                         fastnn_reduction reduction, float* loss, void* scratch,
                                         size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_loss_f64(int64_t rows, int64_t columns, const double* y, const double* targets,
                                         const double* weight, fastnn_loss_kind kind, double delta,
                                         fastnn_reduction reduction, double* loss, void* scratch,
                                         size_t scratch_bytes) FASTNN_NOEXCEPT;
/* And its gradient dy (rows, columns), which may be y, multiplied by dloss; or, if it is not NULL and only with
 * FASTNN_NONE, by the loss's own of dlosses, which has the shape of loss. */
FASTNN_API fastnn_status fastnn_loss_with_grad_f32(int64_t rows, int64_t columns, const float* y, const float* targets,
                                                   const float* weight, const float* dlosses, fastnn_loss_kind kind,
                                                   double delta, fastnn_reduction reduction, double dloss, float* loss,
                                                   float* dy, void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_loss_with_grad_f64(int64_t rows, int64_t columns, const double* y,
                                                   const double* targets, const double* weight, const double* dlosses,
                                                   fastnn_loss_kind kind, double delta, fastnn_reduction reduction,
                                                   double dloss, double* loss, double* dy, void* scratch,
                                                   size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_loss_scratch_f32(int64_t rows, int64_t columns) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_loss_scratch_f64(int64_t rows, int64_t columns) FASTNN_NOEXCEPT;

/* ---- optimizer: in place on the parameters p (n,) and the states (n,); g (n,) is the gradient ---- */

/* Rates, momenta and eps are at least 0, beta1 and beta2 below 1, alpha at most 1; step counts from 1. velocity may be
 * NULL if momentum is 0, which nesterov forbids. */
FASTNN_API fastnn_status fastnn_sgd_step_f32(int64_t n, float* p, const float* g, float* velocity, double lr,
                                             double momentum, int32_t nesterov, double weight_decay) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_sgd_step_f64(int64_t n, double* p, const double* g, double* velocity, double lr,
                                             double momentum, int32_t nesterov, double weight_decay) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_adam_step_f32(int64_t n, float* p, const float* g, float* m, float* v, int64_t step,
                                              double lr, double beta1, double beta2, double eps, double weight_decay,
                                              int32_t decoupled) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_adam_step_f64(int64_t n, double* p, const double* g, double* m, double* v, int64_t step,
                                              double lr, double beta1, double beta2, double eps, double weight_decay,
                                              int32_t decoupled) FASTNN_NOEXCEPT;
/* momentum_buffer may be NULL if momentum is 0. */
FASTNN_API fastnn_status fastnn_rmsprop_step_f32(int64_t n, float* p, const float* g, float* v, float* momentum_buffer,
                                                 double lr, double alpha, double eps, double momentum,
                                                 double weight_decay) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_rmsprop_step_f64(int64_t n, double* p, const double* g, double* v,
                                                 double* momentum_buffer, double lr, double alpha, double eps,
                                                 double momentum, double weight_decay) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_adagrad_step_f32(int64_t n, float* p, const float* g, float* s, double lr, double eps,
                                                 double weight_decay) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_adagrad_step_f64(int64_t n, double* p, const double* g, double* s, double lr,
                                                 double eps, double weight_decay) FASTNN_NOEXCEPT;

/* The root of the sum of squares over all of x[i] (sizes[i],), i in [0, arrays). norm (1,). */
FASTNN_API fastnn_status fastnn_global_norm_f32(int64_t arrays, const int64_t* sizes, const float* const* x,
                                                double* norm, void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_global_norm_f64(int64_t arrays, const int64_t* sizes, const double* const* x,
                                                double* norm, void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
/* largest: the largest of sizes. */
FASTNN_API size_t fastnn_global_norm_scratch_f32(int64_t largest) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_global_norm_scratch_f64(int64_t largest) FASTNN_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
