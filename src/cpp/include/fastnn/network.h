/* Whole networks: made here or loaded from a file of Python's Sequential.save, and the other way round; their results,
 * steps of training them. C11 and C++17.
 *
 * A network computes in one dtype, FASTNN_F32 or FASTNN_F64. Functions that take its numbers are named after it, and
 * answer FASTNN_BAD_DTYPE for a network of the other one. Arrays are C-contiguous, and aligned as their type wants.
 * I and O are the numbers in one sample and in one result.
 *
 * Functions that take a `const fastnn_network*` may run in several threads at once on one network; the others want it
 * for themselves. The bits of results and of training are those of Python's native engine, for every number of threads
 * and rows.
 *
 * Beside what fastnn_status says of every function: FASTNN_BAD_VALUE where an argument is out of its range or an array
 * is misaligned. Loading checks the file's checksum, every size in it, and that the network gives the output that is
 * stored beside it. Files are written whole or not at all.
 */
#ifndef FASTNN_NETWORK_H
#define FASTNN_NETWORK_H

#include "base.h"
#include "operations.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fastnn_network fastnn_network;

/* ---- files ---- */

/* The network in a file, to be freed with fastnn_network_free; *network is set to NULL unless it succeeds. The
 * optimizer and its states come along: training goes on to the same bits as in Python. FASTNN_BAD_MODEL: no model of
 * layers that work on the only axis of their samples (a Flatten may come first), or weights alone. */
FASTNN_API fastnn_status fastnn_network_load(const char* path, fastnn_network** network) FASTNN_NOEXCEPT;
/* The same from the file's bytes, which are not needed any more afterwards. */
FASTNN_API fastnn_status fastnn_network_load_memory(const void* bytes, size_t size,
                                                    fastnn_network** network) FASTNN_NOEXCEPT;
/* Writes a file that fastnn.load_model reads; one that is there is replaced at once, when the new one is complete. */
FASTNN_API fastnn_status fastnn_network_save(const fastnn_network* network, const char* path) FASTNN_NOEXCEPT;
/* The same into memory. *size receives the number of bytes. FASTNN_BAD_SIZE if `capacity` is less than that: ask with
 * NULL and 0 first. */
FASTNN_API fastnn_status fastnn_network_save_memory(const fastnn_network* network, void* bytes, size_t capacity,
                                                    size_t* size) FASTNN_NOEXCEPT;
/* NULL is allowed. */
FASTNN_API void fastnn_network_free(fastnn_network* network) FASTNN_NOEXCEPT;

/* ---- making one ---- */

typedef int32_t fastnn_layer;
enum {
    FASTNN_DENSE = 0,      /* y (units,) = f(x kernel + bias), kernel (inputs, units), bias (units,) */
    FASTNN_ACTIVATION = 1, /* y = f(x) */
    FASTNN_PRELU = 2,      /* y = x where x > 0, else alpha x; alpha (inputs,), or (1,) if shared */
    FASTNN_DROPOUT = 3,    /* training alone: 0 with probability rate, else x / (1 - rate) */
    FASTNN_SOFTMAX = 4,
    FASTNN_RESCALING = 5 /* y = x scale + offset */
};

/* One layer. What a layer has no use for is not looked at; set all to zero first. The penalties l1 sum(|w|) +
 * l2 sum(w^2) are added to the loss. */
typedef struct fastnn_stage {
    fastnn_layer layer;
    fastnn_activation activation; /* dense, activation */
    double parameter;             /* of the activation */
    int64_t units;                /* dense */
    int32_t no_bias;              /* dense */
    int32_t shared;               /* prelu */
    double rate;                  /* dropout */
    double scale, offset;         /* rescaling */
    double l1, l2;                /* of a kernel or alpha */
    double bias_l1, bias_l2;
} fastnn_stage;

/* A network of these layers for samples of `inputs` numbers, in a fastnn_dtype, its variables zero. stage_bytes is
 * sizeof(fastnn_stage): later versions may append members. The layers are named as Keras names them: "dense", "dense_1"
 * ... */
FASTNN_API fastnn_status fastnn_network_create(int32_t dtype, int64_t inputs, const fastnn_stage* stages, size_t count,
                                               size_t stage_bytes, fastnn_network** network) FASTNN_NOEXCEPT;
/* Draws every kernel from Glorot's uniform distribution (Glorot and Bengio 2010) and sets all else to zero: numbers
 * that the seed alone decides, but not Python's. */
FASTNN_API fastnn_status fastnn_network_initialize(fastnn_network* network, uint64_t seed) FASTNN_NOEXCEPT;

/* ---- what it is ---- */

/* 0 for NULL. */
FASTNN_API int64_t fastnn_network_inputs(const fastnn_network* network) FASTNN_NOEXCEPT;
FASTNN_API int64_t fastnn_network_outputs(const fastnn_network* network) FASTNN_NOEXCEPT;
FASTNN_API fastnn_dtype fastnn_network_dtype(const fastnn_network* network) FASTNN_NOEXCEPT;

/* The learnt arrays, layer by layer, a kernel before its bias. */
FASTNN_API size_t fastnn_network_variables(const fastnn_network* network) FASTNN_NOEXCEPT;
/* "dense/kernel", valid as long as the network; NULL if there is none. */
FASTNN_API const char* fastnn_network_variable_name(const fastnn_network* network, size_t variable) FASTNN_NOEXCEPT;
/* Its numbers; 0 if there is none. */
FASTNN_API int64_t fastnn_network_variable_size(const fastnn_network* network, size_t variable) FASTNN_NOEXCEPT;
/* Copies. FASTNN_BAD_SIZE unless `size` is the variable's. */
FASTNN_API fastnn_status fastnn_network_get_variable_f32(const fastnn_network* network, size_t variable, int64_t size,
                                                         float* values) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_network_get_variable_f64(const fastnn_network* network, size_t variable, int64_t size,
                                                         double* values) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_network_set_variable_f32(fastnn_network* network, size_t variable, int64_t size,
                                                         const float* values) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_network_set_variable_f64(fastnn_network* network, size_t variable, int64_t size,
                                                         const double* values) FASTNN_NOEXCEPT;

/* ---- results ---- */

/* y (rows, O) from x (rows, I), which may not overlap. scratch, scratch_bytes: see operations.h; the bytes are those of
 * fastnn_network_predict_scratch. */
FASTNN_API fastnn_status fastnn_network_predict_f32(const fastnn_network* network, int64_t rows, const float* x,
                                                    float* y, void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_network_predict_f64(const fastnn_network* network, int64_t rows, const double* x,
                                                    double* y, void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
/* x of bytes, such as images in front of a FASTNN_RESCALING: each is turned into the network's dtype first. */
FASTNN_API fastnn_status fastnn_network_predict_u8_f32(const fastnn_network* network, int64_t rows, const uint8_t* x,
                                                       float* y, void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_network_predict_u8_f64(const fastnn_network* network, int64_t rows, const uint8_t* x,
                                                       double* y, void* scratch, size_t scratch_bytes) FASTNN_NOEXCEPT;
FASTNN_API size_t fastnn_network_predict_scratch(const fastnn_network* network, int64_t rows) FASTNN_NOEXCEPT;

/* ---- training ---- */

typedef int32_t fastnn_network_loss;
enum {
    FASTNN_LOSS_MSE = 0,
    FASTNN_LOSS_MAE = 1,
    FASTNN_LOSS_HUBER = 2,
    FASTNN_LOSS_SUM_SQUARED_ERROR = 3, /* the others take the mean over a row's outputs */
    FASTNN_LOSS_POISSON = 4,
    FASTNN_LOSS_HINGE = 5,                     /* targets of -1 and 1 */
    FASTNN_LOSS_BINARY_CROSS_ENTROPY = 6,      /* targets from 0 to 1 */
    FASTNN_LOSS_CATEGORICAL_CROSS_ENTROPY = 7, /* targets are probabilities */
    FASTNN_LOSS_SPARSE_CROSS_ENTROPY = 8       /* targets are class indices */
};

typedef int32_t fastnn_optimizer;
enum { FASTNN_SGD = 0, FASTNN_ADAM = 1, FASTNN_ADAMW = 2, FASTNN_RMSPROP = 3, FASTNN_ADAGRAD = 4 };

typedef int32_t fastnn_clip;
enum { FASTNN_CLIP_NONE = 0, FASTNN_CLIP_VALUE = 1, FASTNN_CLIP_NORM = 2, FASTNN_CLIP_GLOBAL_NORM = 3 };

/* Keras's arguments of the same names; what an optimizer or a loss has no use for is not looked at. */
typedef struct fastnn_training {
    size_t bytes; /* sizeof(fastnn_training): later versions may append members */
    fastnn_network_loss loss;
    int32_t from_logits;    /* the cross-entropies: the network ends in no softmax or sigmoid */
    double label_smoothing; /* FASTNN_LOSS_BINARY_... and FASTNN_LOSS_CATEGORICAL_CROSS_ENTROPY */
    double delta;           /* FASTNN_LOSS_HUBER */
    int32_t sums;           /* over the rows of a batch, in place of their mean */
    fastnn_optimizer optimizer;
    double learning_rate; /* stored with the network; every step is given its own */
    double momentum;      /* sgd, rmsprop */
    int32_t nesterov;     /* sgd */
    fastnn_clip clip;
    double clip_limit;
    double beta_1, beta_2;            /* adam, adamw */
    double rho;                       /* rmsprop */
    double epsilon;                   /* all but sgd */
    double initial_accumulator_value; /* adagrad */
    double weight_decay;
    uint64_t seed; /* of the dropout masks, below 2^53 */
} fastnn_training;

/* Keras's defaults for that optimizer. `bytes` is sizeof(fastnn_training). */
FASTNN_API fastnn_status fastnn_training_defaults(fastnn_training* training, size_t bytes, fastnn_network_loss loss,
                                                  fastnn_optimizer optimizer) FASTNN_NOEXCEPT;
/* Prepares a training that starts anew. */
FASTNN_API fastnn_status fastnn_network_compile(fastnn_network* network,
                                                const fastnn_training* training) FASTNN_NOEXCEPT;
/* One step on a batch: x (rows, I); either targets (rows, O) or, for the two cross-entropies over classes, classes
 * (rows,); the other is NULL. weights (rows,), factors of the rows' losses, or NULL. *loss receives the batch's loss
 * before the step, if it is not NULL. FASTNN_BAD_STATE before fastnn_network_compile, unless the file was compiled.
 * FASTNN_BAD_SIZE for 0 rows. Allocates nothing once the largest batch has been seen. */
FASTNN_API fastnn_status fastnn_network_train_step_f32(fastnn_network* network, int64_t rows, const float* x,
                                                       const float* targets, const int64_t* classes,
                                                       const float* weights, double learning_rate,
                                                       double* loss) FASTNN_NOEXCEPT;
FASTNN_API fastnn_status fastnn_network_train_step_f64(fastnn_network* network, int64_t rows, const double* x,
                                                       const double* targets, const int64_t* classes,
                                                       const double* weights, double learning_rate,
                                                       double* loss) FASTNN_NOEXCEPT;
/* The steps done in all its life; 0 if it is not compiled. */
FASTNN_API int64_t fastnn_network_iterations(const fastnn_network* network) FASTNN_NOEXCEPT;
/* The learning rate that it was compiled with; FASTNN_BAD_STATE if it is not compiled, or with one of Python's
 * schedules, which are kept in the file but not computed here. */
FASTNN_API fastnn_status fastnn_network_learning_rate(const fastnn_network* network,
                                                      double* learning_rate) FASTNN_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
