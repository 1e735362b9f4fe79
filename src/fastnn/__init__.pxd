# The C interface for Cython, written by tools/cython_declarations.py from the C headers. What a function does and
# wants stands there: see `python -m fastnn --includes`.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

cdef extern from "fastnn/fastnn.h" nogil:
    ctypedef int32_t fastnn_status
    ctypedef int32_t fastnn_dtype
    ctypedef int32_t fastnn_layer
    ctypedef int32_t fastnn_network_loss
    ctypedef int32_t fastnn_optimizer
    ctypedef int32_t fastnn_clip
    ctypedef int32_t fastnn_activation
    ctypedef int32_t fastnn_loss_kind
    ctypedef int32_t fastnn_reduction
    enum:
        FASTNN_ABI_VERSION
        FASTNN_ALIGNMENT
        FASTNN_OK
        FASTNN_NULL_POINTER
        FASTNN_BAD_SIZE
        FASTNN_BAD_VALUE
        FASTNN_BAD_DTYPE
        FASTNN_BAD_CLASS
        FASTNN_OVERLAP
        FASTNN_SMALL_SCRATCH
        FASTNN_NO_MEMORY
        FASTNN_BAD_STATE
        FASTNN_CANNOT_READ
        FASTNN_BAD_FILE
        FASTNN_BAD_MODEL
        FASTNN_WRONG_RESULT
        FASTNN_INTERNAL
        FASTNN_F32
        FASTNN_F64
        FASTNN_DENSE
        FASTNN_ACTIVATION
        FASTNN_PRELU
        FASTNN_DROPOUT
        FASTNN_SOFTMAX
        FASTNN_RESCALING
        FASTNN_LOSS_MSE
        FASTNN_LOSS_MAE
        FASTNN_LOSS_HUBER
        FASTNN_LOSS_SUM_SQUARED_ERROR
        FASTNN_LOSS_POISSON
        FASTNN_LOSS_HINGE
        FASTNN_LOSS_BINARY_CROSS_ENTROPY
        FASTNN_LOSS_CATEGORICAL_CROSS_ENTROPY
        FASTNN_LOSS_SPARSE_CROSS_ENTROPY
        FASTNN_SGD
        FASTNN_ADAM
        FASTNN_ADAMW
        FASTNN_RMSPROP
        FASTNN_ADAGRAD
        FASTNN_CLIP_NONE
        FASTNN_CLIP_VALUE
        FASTNN_CLIP_NORM
        FASTNN_CLIP_GLOBAL_NORM
        FASTNN_IDENTITY
        FASTNN_STEP
        FASTNN_SIGN
        FASTNN_SIGMOID
        FASTNN_TANH
        FASTNN_RELU
        FASTNN_RELU6
        FASTNN_LEAKY_RELU
        FASTNN_ELU
        FASTNN_SELU
        FASTNN_CELU
        FASTNN_SOFTPLUS
        FASTNN_SOFTSIGN
        FASTNN_SWISH
        FASTNN_GELU
        FASTNN_GELU_TANH
        FASTNN_MISH
        FASTNN_HARD_SIGMOID
        FASTNN_HARD_SWISH
        FASTNN_EXPONENTIAL
        FASTNN_MSE
        FASTNN_MAE
        FASTNN_HUBER
        FASTNN_SUM_SQUARED_ERROR
        FASTNN_POISSON
        FASTNN_HINGE
        FASTNN_BINARY_CROSS_ENTROPY
        FASTNN_BINARY_CROSS_ENTROPY_WITH_LOGITS
        FASTNN_NONE
        FASTNN_MEAN
        FASTNN_SUM
    ctypedef struct fastnn_network:
        pass
    ctypedef struct fastnn_stage:
        fastnn_layer layer
        fastnn_activation activation
        double parameter
        int64_t units
        int32_t no_bias
        int32_t shared
        double rate
        double scale, offset
        double l1, l2
        double bias_l1, bias_l2
    ctypedef struct fastnn_training:
        size_t bytes
        fastnn_network_loss loss
        int32_t from_logits
        double label_smoothing
        double delta
        int32_t sums
        fastnn_optimizer optimizer
        double learning_rate
        double momentum
        int32_t nesterov
        fastnn_clip clip
        double clip_limit
        double beta_1, beta_2
        double rho
        double epsilon
        double initial_accumulator_value
        double weight_decay
        uint64_t seed
    int32_t fastnn_abi_version()
    const char* fastnn_version()
    const char* fastnn_status_string(int32_t status)
    void fastnn_set_num_threads(int32_t n)
    int32_t fastnn_get_num_threads()
    const char* fastnn_isa()
    void fastnn_prepare()
    int32_t fastnn_network_load(const char* path, fastnn_network** network)
    int32_t fastnn_network_load_memory(const void* bytes, size_t size, fastnn_network** network)
    int32_t fastnn_network_save(const fastnn_network* network, const char* path)
    int32_t fastnn_network_save_memory(const fastnn_network* network, void* bytes, size_t capacity, size_t* size)
    void fastnn_network_free(fastnn_network* network)
    int32_t fastnn_network_create(int32_t dtype, int64_t inputs, const fastnn_stage* stages, size_t count, size_t stage_bytes, fastnn_network** network)
    int32_t fastnn_network_initialize(fastnn_network* network, uint64_t seed)
    int64_t fastnn_network_inputs(const fastnn_network* network)
    int64_t fastnn_network_outputs(const fastnn_network* network)
    int32_t fastnn_network_dtype(const fastnn_network* network)
    size_t fastnn_network_variables(const fastnn_network* network)
    const char* fastnn_network_variable_name(const fastnn_network* network, size_t variable)
    int64_t fastnn_network_variable_size(const fastnn_network* network, size_t variable)
    int32_t fastnn_network_get_variable_f32(const fastnn_network* network, size_t variable, int64_t size, float* values)
    int32_t fastnn_network_get_variable_f64(const fastnn_network* network, size_t variable, int64_t size, double* values)
    int32_t fastnn_network_set_variable_f32(fastnn_network* network, size_t variable, int64_t size, const float* values)
    int32_t fastnn_network_set_variable_f64(fastnn_network* network, size_t variable, int64_t size, const double* values)
    int32_t fastnn_network_predict_f32(const fastnn_network* network, int64_t rows, const float* x, float* y, void* scratch, size_t scratch_bytes)
    int32_t fastnn_network_predict_f64(const fastnn_network* network, int64_t rows, const double* x, double* y, void* scratch, size_t scratch_bytes)
    int32_t fastnn_network_predict_u8_f32(const fastnn_network* network, int64_t rows, const uint8_t* x, float* y, void* scratch, size_t scratch_bytes)
    int32_t fastnn_network_predict_u8_f64(const fastnn_network* network, int64_t rows, const uint8_t* x, double* y, void* scratch, size_t scratch_bytes)
    size_t fastnn_network_predict_scratch(const fastnn_network* network, int64_t rows)
    int32_t fastnn_training_defaults(fastnn_training* training, size_t bytes, int32_t loss, int32_t optimizer)
    int32_t fastnn_network_compile(fastnn_network* network, const fastnn_training* training)
    int32_t fastnn_network_train_step_f32(fastnn_network* network, int64_t rows, const float* x, const float* targets, const int64_t* classes, const float* weights, double learning_rate, double* loss)
    int32_t fastnn_network_train_step_f64(fastnn_network* network, int64_t rows, const double* x, const double* targets, const int64_t* classes, const double* weights, double learning_rate, double* loss)
    int64_t fastnn_network_iterations(const fastnn_network* network)
    int32_t fastnn_network_learning_rate(const fastnn_network* network, double* learning_rate)
    int32_t fastnn_dense_f32(int64_t batch, int64_t inputs, int64_t outputs, const float* x, const float* w, int32_t w_transposed, const float* b, int32_t activation, double parameter, float* y, float* z, void* scratch, size_t scratch_bytes)
    int32_t fastnn_dense_f64(int64_t batch, int64_t inputs, int64_t outputs, const double* x, const double* w, int32_t w_transposed, const double* b, int32_t activation, double parameter, double* y, double* z, void* scratch, size_t scratch_bytes)
    size_t fastnn_dense_scratch_f32(int64_t batch, int64_t inputs, int64_t outputs)
    size_t fastnn_dense_scratch_f64(int64_t batch, int64_t inputs, int64_t outputs)
    int32_t fastnn_dense_backward_f32(int64_t batch, int64_t inputs, int64_t outputs, const float* dy, const float* x, const float* w, int32_t w_transposed, const float* y, const float* z, int32_t activation, double parameter, float* dx, float* dw, float* db, void* scratch, size_t scratch_bytes)
    int32_t fastnn_dense_backward_f64(int64_t batch, int64_t inputs, int64_t outputs, const double* dy, const double* x, const double* w, int32_t w_transposed, const double* y, const double* z, int32_t activation, double parameter, double* dx, double* dw, double* db, void* scratch, size_t scratch_bytes)
    size_t fastnn_dense_backward_scratch_f32(int64_t batch, int64_t inputs, int64_t outputs)
    size_t fastnn_dense_backward_scratch_f64(int64_t batch, int64_t inputs, int64_t outputs)
    size_t fastnn_packed_dense_bytes_f32(int64_t inputs, int64_t outputs)
    size_t fastnn_packed_dense_bytes_f64(int64_t inputs, int64_t outputs)
    int32_t fastnn_pack_dense_f32(int64_t inputs, int64_t outputs, const float* w, int32_t w_transposed, float* packed)
    int32_t fastnn_pack_dense_f64(int64_t inputs, int64_t outputs, const double* w, int32_t w_transposed, double* packed)
    int32_t fastnn_packed_dense_f32(int64_t batch, int64_t inputs, int64_t outputs, const float* x, const float* packed, const float* b, int32_t activation, double parameter, float* y, void* scratch, size_t scratch_bytes)
    int32_t fastnn_packed_dense_f64(int64_t batch, int64_t inputs, int64_t outputs, const double* x, const double* packed, const double* b, int32_t activation, double parameter, double* y, void* scratch, size_t scratch_bytes)
    size_t fastnn_packed_dense_scratch_f32(int64_t batch, int64_t inputs, int64_t outputs)
    size_t fastnn_packed_dense_scratch_f64(int64_t batch, int64_t inputs, int64_t outputs)
    int32_t fastnn_activation_needs_z(int32_t activation, double parameter)
    double fastnn_activation_default(int32_t activation)
    int32_t fastnn_activation_f32(int64_t n, const float* z, int32_t activation, double parameter, float* y)
    int32_t fastnn_activation_f64(int64_t n, const double* z, int32_t activation, double parameter, double* y)
    int32_t fastnn_activation_backward_f32(int64_t n, const float* dy, const float* y, const float* z, int32_t activation, double parameter, float* dz)
    int32_t fastnn_activation_backward_f64(int64_t n, const double* dy, const double* y, const double* z, int32_t activation, double parameter, double* dz)
    int32_t fastnn_prelu_f32(int64_t rows, int64_t columns, int64_t slopes, const float* x, const float* slope, float* y)
    int32_t fastnn_prelu_f64(int64_t rows, int64_t columns, int64_t slopes, const double* x, const double* slope, double* y)
    int32_t fastnn_prelu_backward_f32(int64_t rows, int64_t columns, int64_t slopes, const float* dy, const float* x, const float* slope, float* dx, float* dslope, void* scratch, size_t scratch_bytes)
    int32_t fastnn_prelu_backward_f64(int64_t rows, int64_t columns, int64_t slopes, const double* dy, const double* x, const double* slope, double* dx, double* dslope, void* scratch, size_t scratch_bytes)
    size_t fastnn_prelu_backward_scratch_f32(int64_t rows, int64_t columns, int64_t slopes)
    size_t fastnn_prelu_backward_scratch_f64(int64_t rows, int64_t columns, int64_t slopes)
    int32_t fastnn_rrelu_f32(int64_t n, const float* x, double lower, double upper, int32_t training, uint64_t seed, uint64_t counter, float* y)
    int32_t fastnn_rrelu_f64(int64_t n, const double* x, double lower, double upper, int32_t training, uint64_t seed, uint64_t counter, double* y)
    int32_t fastnn_rrelu_backward_f32(int64_t n, const float* dy, const float* x, double lower, double upper, int32_t training, uint64_t seed, uint64_t counter, float* dx)
    int32_t fastnn_rrelu_backward_f64(int64_t n, const double* dy, const double* x, double lower, double upper, int32_t training, uint64_t seed, uint64_t counter, double* dx)
    int32_t fastnn_dropout_f32(int64_t n, const float* x, double p, uint64_t seed, uint64_t counter, float* y)
    int32_t fastnn_dropout_f64(int64_t n, const double* x, double p, uint64_t seed, uint64_t counter, double* y)
    int32_t fastnn_dropout_backward_f32(int64_t n, const float* dy, double p, uint64_t seed, uint64_t counter, float* dx)
    int32_t fastnn_dropout_backward_f64(int64_t n, const double* dy, double p, uint64_t seed, uint64_t counter, double* dx)
    int32_t fastnn_softmax_f32(int64_t rows, int64_t classes, const float* x, float* y, void* scratch, size_t scratch_bytes)
    int32_t fastnn_softmax_f64(int64_t rows, int64_t classes, const double* x, double* y, void* scratch, size_t scratch_bytes)
    int32_t fastnn_softmax_backward_f32(int64_t rows, int64_t classes, const float* dy, const float* y, float* dx, void* scratch, size_t scratch_bytes)
    int32_t fastnn_softmax_backward_f64(int64_t rows, int64_t classes, const double* dy, const double* y, double* dx, void* scratch, size_t scratch_bytes)
    int32_t fastnn_log_softmax_f32(int64_t rows, int64_t classes, const float* x, float* y, void* scratch, size_t scratch_bytes)
    int32_t fastnn_log_softmax_f64(int64_t rows, int64_t classes, const double* x, double* y, void* scratch, size_t scratch_bytes)
    int32_t fastnn_log_softmax_backward_f32(int64_t rows, int64_t classes, const float* dy, const float* y, float* dx, void* scratch, size_t scratch_bytes)
    int32_t fastnn_log_softmax_backward_f64(int64_t rows, int64_t classes, const double* dy, const double* y, double* dx, void* scratch, size_t scratch_bytes)
    int32_t fastnn_logsumexp_f32(int64_t rows, int64_t classes, const float* x, float* s, void* scratch, size_t scratch_bytes)
    int32_t fastnn_logsumexp_f64(int64_t rows, int64_t classes, const double* x, double* s, void* scratch, size_t scratch_bytes)
    size_t fastnn_softmax_scratch_f32(int64_t rows, int64_t classes)
    size_t fastnn_softmax_scratch_f64(int64_t rows, int64_t classes)
    int32_t fastnn_cross_entropy_f32(int64_t rows, int64_t classes, const float* logits, const int64_t* targets, const float* probabilities, const float* weight, int64_t ignore_index, double label_smoothing, int32_t reduction, float* loss, void* scratch, size_t scratch_bytes)
    int32_t fastnn_cross_entropy_f64(int64_t rows, int64_t classes, const double* logits, const int64_t* targets, const double* probabilities, const double* weight, int64_t ignore_index, double label_smoothing, int32_t reduction, double* loss, void* scratch, size_t scratch_bytes)
    int32_t fastnn_cross_entropy_with_grad_f32(int64_t rows, int64_t classes, const float* logits, const int64_t* targets, const float* probabilities, const float* weight, const float* dlosses, int64_t ignore_index, double label_smoothing, int32_t reduction, double dloss, float* loss, float* dlogits, void* scratch, size_t scratch_bytes)
    int32_t fastnn_cross_entropy_with_grad_f64(int64_t rows, int64_t classes, const double* logits, const int64_t* targets, const double* probabilities, const double* weight, const double* dlosses, int64_t ignore_index, double label_smoothing, int32_t reduction, double dloss, double* loss, double* dlogits, void* scratch, size_t scratch_bytes)
    int32_t fastnn_categorical_cross_entropy_f32(int64_t rows, int64_t classes, const float* p, const int64_t* targets, const float* probabilities, const float* weight, double label_smoothing, int32_t reduction, float* loss, void* scratch, size_t scratch_bytes)
    int32_t fastnn_categorical_cross_entropy_f64(int64_t rows, int64_t classes, const double* p, const int64_t* targets, const double* probabilities, const double* weight, double label_smoothing, int32_t reduction, double* loss, void* scratch, size_t scratch_bytes)
    int32_t fastnn_categorical_cross_entropy_with_grad_f32(int64_t rows, int64_t classes, const float* p, const int64_t* targets, const float* probabilities, const float* weight, const float* dlosses, double label_smoothing, int32_t reduction, double dloss, float* loss, float* dp, void* scratch, size_t scratch_bytes)
    int32_t fastnn_categorical_cross_entropy_with_grad_f64(int64_t rows, int64_t classes, const double* p, const int64_t* targets, const double* probabilities, const double* weight, const double* dlosses, double label_smoothing, int32_t reduction, double dloss, double* loss, double* dp, void* scratch, size_t scratch_bytes)
    size_t fastnn_cross_entropy_scratch_f32(int64_t rows, int64_t classes)
    size_t fastnn_cross_entropy_scratch_f64(int64_t rows, int64_t classes)
    int32_t fastnn_loss_f32(int64_t rows, int64_t columns, const float* y, const float* targets, const float* weight, int32_t kind, double delta, int32_t reduction, float* loss, void* scratch, size_t scratch_bytes)
    int32_t fastnn_loss_f64(int64_t rows, int64_t columns, const double* y, const double* targets, const double* weight, int32_t kind, double delta, int32_t reduction, double* loss, void* scratch, size_t scratch_bytes)
    int32_t fastnn_loss_with_grad_f32(int64_t rows, int64_t columns, const float* y, const float* targets, const float* weight, const float* dlosses, int32_t kind, double delta, int32_t reduction, double dloss, float* loss, float* dy, void* scratch, size_t scratch_bytes)
    int32_t fastnn_loss_with_grad_f64(int64_t rows, int64_t columns, const double* y, const double* targets, const double* weight, const double* dlosses, int32_t kind, double delta, int32_t reduction, double dloss, double* loss, double* dy, void* scratch, size_t scratch_bytes)
    size_t fastnn_loss_scratch_f32(int64_t rows, int64_t columns)
    size_t fastnn_loss_scratch_f64(int64_t rows, int64_t columns)
    int32_t fastnn_sgd_step_f32(int64_t n, float* p, const float* g, float* velocity, double lr, double momentum, int32_t nesterov, double weight_decay)
    int32_t fastnn_sgd_step_f64(int64_t n, double* p, const double* g, double* velocity, double lr, double momentum, int32_t nesterov, double weight_decay)
    int32_t fastnn_adam_step_f32(int64_t n, float* p, const float* g, float* m, float* v, int64_t step, double lr, double beta1, double beta2, double eps, double weight_decay, int32_t decoupled)
    int32_t fastnn_adam_step_f64(int64_t n, double* p, const double* g, double* m, double* v, int64_t step, double lr, double beta1, double beta2, double eps, double weight_decay, int32_t decoupled)
    int32_t fastnn_rmsprop_step_f32(int64_t n, float* p, const float* g, float* v, float* momentum_buffer, double lr, double alpha, double eps, double momentum, double weight_decay)
    int32_t fastnn_rmsprop_step_f64(int64_t n, double* p, const double* g, double* v, double* momentum_buffer, double lr, double alpha, double eps, double momentum, double weight_decay)
    int32_t fastnn_adagrad_step_f32(int64_t n, float* p, const float* g, float* s, double lr, double eps, double weight_decay)
    int32_t fastnn_adagrad_step_f64(int64_t n, double* p, const double* g, double* s, double lr, double eps, double weight_decay)
    int32_t fastnn_global_norm_f32(int64_t arrays, const int64_t* sizes, const float* const* x, double* norm, void* scratch, size_t scratch_bytes)
    int32_t fastnn_global_norm_f64(int64_t arrays, const int64_t* sizes, const double* const* x, double* norm, void* scratch, size_t scratch_bytes)
    size_t fastnn_global_norm_scratch_f32(int64_t largest)
    size_t fastnn_global_norm_scratch_f64(int64_t largest)
