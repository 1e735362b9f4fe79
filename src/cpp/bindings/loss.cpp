// The elementwise losses and their gradients: argument checks and results.
#include "core/loss.h"

#include <string>

#include "arrays.h"

namespace py = pybind11;

namespace fastnn {
namespace python {
namespace {

// What every loss reads; see core/loss.h for count and features.
struct Arguments {
    Array y, targets, weight, dlosses, out;
    double delta = 1.0, dloss = 1.0;
    Reduction reduction = Reduction::mean;
    std::ptrdiff_t count = 0, features = 1;
    int loss_rank = 0;
};

void* data_of(PyObject* array) { return array == nullptr ? nullptr : py::detail::array_proxy(array)->data; }

// The shape of the losses without a reduction: y's, or with one loss a row y's without the last axis.
Array like_losses(const Arguments& a) {
    Array like;
    like.shape = a.y.shape;
    like.rank = a.loss_rank;
    return like;
}

// Weights of a leading part of the losses' shape.
bool fits_weight(const Arguments& a) {
    if (!a.weight) return true;
    if (a.weight.dtype != a.y.dtype || a.weight.rank > a.loss_rank) return false;
    for (int i = 0; i < a.weight.rank; ++i) {
        if (a.weight.shape[i] != a.y.shape[i]) return false;
    }
    return true;
}

// y, targets, [delta,] sample_weight, reduction. Returns where the next argument stands, or null.
PyObject* const* read_loss(PyObject* const* arguments, bool has_delta, bool by_rows, Arguments& a) {
    if (!read(arguments[0], a.y) || !a.y.is_float() || !read(arguments[1], a.targets) || a.targets.dtype != a.y.dtype ||
        !same_shape(a.targets, a.y)) {
        return nullptr;
    }
    arguments += 2;
    if (has_delta && (!read_double(*arguments++, a.delta) || !(a.delta > 0.0))) return nullptr;
    // One-dimensional predictions are one feature a sample.
    const bool sums_rows = by_rows && a.y.rank > 1;
    a.loss_rank = sums_rows ? a.y.rank - 1 : a.y.rank;
    a.count = sums_rows ? a.y.rows() : a.y.size;
    a.features = sums_rows ? a.y.columns() : 1;
    if (!read_optional(*arguments++, a.weight) || !fits_weight(a)) return nullptr;
    return read_reduction(*arguments++, a.reduction) ? arguments : nullptr;
}

// dloss, out.
bool read_gradient(PyObject* const* arguments, Arguments& a) {
    if (!read_double(arguments[0], a.dloss)) {
        if (a.reduction != Reduction::none || !read(arguments[0], a.dlosses) || a.dlosses.dtype != a.y.dtype ||
            !same_shape(a.dlosses, like_losses(a))) {
            return false;
        }
    }
    if (!read_optional(arguments[1], a.out) || !fits_output(a.out, a.y.dtype, a.y, true, a.y)) return false;
    if (!a.out) return true;
    return !overlap(a.out, a.targets) && !(a.weight && overlap(a.out, a.weight)) &&
           !(a.dlosses && overlap(a.out, a.dlosses));
}

template <class T>
double run(LossKind kind, const Arguments& a, void* losses, void* dy) {
    LossCall<T> call;
    call.kind = kind;
    call.parameter = a.delta;
    call.y = a.y.as<T>();
    call.t = a.targets.as<T>();
    call.count = a.count;
    call.features = a.features;
    call.weight = a.weight.as<T>();
    call.weights = a.weight.size;
    call.reduction = a.reduction == Reduction::none   ? LossReduction::none
                     : a.reduction == Reduction::mean ? LossReduction::mean
                                                      : LossReduction::sum;
    call.losses = static_cast<T*>(losses);
    call.dy = static_cast<T*>(dy);
    call.dloss = a.dloss;
    call.dlosses = a.dlosses.as<T>();
    double value = 0.0;
    unlocked(5.0 * static_cast<double>(a.y.size), [&] { value = loss<T>(call); });
    return value;
}

// The loss: an array without a reduction, else a scalar; null with MemoryError set.
PyObject* compute(LossKind kind, const Arguments& a, void* dy) {
    Owned losses(a.reduction == Reduction::none ? new_array(a.y.dtype, a.loss_rank, a.y.shape) : nullptr);
    if (a.reduction == Reduction::none && !losses) return nullptr;
    void* data = data_of(losses.get());
    const double value = a.y.dtype == DType::f32 ? run<float>(kind, a, data, dy) : run<double>(kind, a, data, dy);
    return losses ? losses.release() : new_scalar(a.y.dtype, value);
}

template <LossKind kKind, bool kByRows>
PyObject* loss_operation(PyObject* const* arguments) {
    Arguments a;
    if (read_loss(arguments, kKind == LossKind::huber, kByRows, a) == nullptr) return not_implemented();
    return compute(kKind, a, nullptr);
}

template <LossKind kKind, bool kByRows>
PyObject* loss_with_grad_operation(PyObject* const* arguments) {
    Arguments a;
    PyObject* const* rest = read_loss(arguments, kKind == LossKind::huber, kByRows, a);
    if (rest == nullptr || !read_gradient(rest, a)) return not_implemented();
    const Owned dy(a.out ? new_reference(a.out.object) : new_array(a.y.dtype, a.y.rank, a.y.shape));
    if (!dy) return nullptr;
    const Owned loss(compute(kKind, a, data_of(dy.get())));
    return loss ? PyTuple_Pack(2, loss.get(), dy.get()) : nullptr;
}

template <LossKind kKind, bool kByRows = false>
void add_loss(PyObject* module, const char* name) {
    constexpr bool kHuber = kKind == LossKind::huber;
    const std::string with_grad = std::string(name) + "_with_grad";
    const std::string shared =
        kHuber ? "(y, targets, delta, sample_weight, reduction" : "(y, targets, sample_weight, reduction";
    add_operation<loss_operation<kKind, kByRows>, kHuber ? 5 : 4>(module, name, (shared + ", /)").c_str());
    add_operation<loss_with_grad_operation<kKind, kByRows>, kHuber ? 7 : 6>(module, with_grad.c_str(),
                                                                            (shared + ", dloss, out, /)").c_str());
}

}  // namespace

void bind_loss(py::module_& module) {
    PyObject* m = module.ptr();
    add_loss<LossKind::mse>(m, "mse");
    add_loss<LossKind::mae>(m, "mae");
    add_loss<LossKind::huber>(m, "huber");
    add_loss<LossKind::mse, true>(m, "sum_squared_error");
    add_loss<LossKind::poisson>(m, "poisson");
    add_loss<LossKind::hinge>(m, "hinge");
    add_loss<LossKind::binary_cross_entropy>(m, "binary_cross_entropy");
    add_loss<LossKind::binary_cross_entropy_with_logits>(m, "binary_cross_entropy_with_logits");
}

}  // namespace python
}  // namespace fastnn
