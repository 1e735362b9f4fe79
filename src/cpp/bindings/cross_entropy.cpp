// The losses over classes: argument checks, the scan of the class indices, and results.
#include "core/cross_entropy.h"

#include <limits>
#include <type_traits>

#include "arrays.h"
#include "core/scratch.h"
#include "core/softmax.h"

namespace py = pybind11;

namespace fastnn {
namespace python {
namespace {

// No class index: categorical_cross_entropy ignores none.
constexpr std::int64_t kNothingIgnored = std::numeric_limits<std::int64_t>::min();

struct Arguments {
    ClassInput input = ClassInput::logits;
    Array x, targets, weight, dlosses, out;
    std::int64_t ignore_index = kNothingIgnored;
    double smoothing = 0.0, dloss = 1.0;
    Reduction reduction = Reduction::mean;
    bool by_index() const { return is_integer(targets.dtype); }
};

// x, targets, axis, weight, [ignore_index,] label_smoothing, reduction. Where the next argument stands, or null.
PyObject* const* read_loss(PyObject* const* arguments, ClassInput input, Arguments& a) {
    a.input = input;
    if (!read(arguments[0], a.x) || !a.x.is_float() || !read(arguments[1], a.targets)) return nullptr;
    if (a.by_index() ? !is_shape_of_rows(a.targets, a.x)
                     : a.targets.dtype != a.x.dtype || !same_shape(a.targets, a.x)) {
        return nullptr;
    }
    if (!is_last_axis(arguments[2], a.x.rank) || !read_optional(arguments[3], a.weight)) return nullptr;
    if (a.weight && (a.weight.dtype != a.x.dtype || a.weight.rank != 1 || a.weight.size != a.x.columns())) {
        return nullptr;
    }
    arguments += 4;
    if (input == ClassInput::logits && !read_int64(*arguments++, a.ignore_index)) return nullptr;
    if (!read_double(*arguments++, a.smoothing) || !(a.smoothing >= 0.0 && a.smoothing <= 1.0)) return nullptr;
    return read_reduction(*arguments++, a.reduction) ? arguments : nullptr;
}

// dloss, out.
bool read_gradient(PyObject* const* arguments, Arguments& a) {
    if (!read_double(arguments[0], a.dloss)) {
        if (a.reduction != Reduction::none || !read(arguments[0], a.dlosses) || a.dlosses.dtype != a.x.dtype ||
            !is_shape_of_rows(a.dlosses, a.x)) {
            return false;
        }
    }
    if (!read_optional(arguments[1], a.out) || !fits_output(a.out, a.x.dtype, a.x, true, a.x)) return false;
    if (!a.out) return true;
    return !overlap(a.out, a.targets) && !(a.weight && overlap(a.out, a.weight)) &&
           !(a.dlosses && overlap(a.out, a.dlosses));
}

// Class indices as int64; false if one is neither a class nor ignored. `indices` may be null: only checked.
template <class Integer>
bool convert_indices(const Integer* from, std::ptrdiff_t n, std::int64_t classes, bool ignores, std::int64_t ignored,
                     std::int64_t* indices) {
    bool fine = true;
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        // An unsigned index beyond int64 becomes negative, which is no class, but it must not pass for the ignored one.
        const auto index = static_cast<std::int64_t>(from[i]);
        const bool wrapped = std::is_unsigned<Integer>::value && index < 0;
        fine &= (static_cast<std::uint64_t>(index) < static_cast<std::uint64_t>(classes)) |
                (ignores & (index == ignored) & !wrapped);
        if (indices != nullptr) indices[i] = index;
    }
    return fine;
}

bool convert_indices(const Arguments& a, std::int64_t* indices) {
    const auto convert = [&](auto zero) {
        return convert_indices(a.targets.as<decltype(zero)>(), a.targets.size, a.x.columns(),
                               a.input == ClassInput::logits, a.ignore_index, indices);
    };
    switch (a.targets.dtype) {
        case DType::i8:
            return convert(std::int8_t());
        case DType::i16:
            return convert(std::int16_t());
        case DType::i32:
            return convert(std::int32_t());
        case DType::u8:
            return convert(std::uint8_t());
        case DType::u16:
            return convert(std::uint16_t());
        case DType::u32:
            return convert(std::uint32_t());
        case DType::u64:
            return convert(std::uint64_t());
        default:
            return convert(std::int64_t());
    }
}

template <class T>
double run(const Arguments& a, const std::int64_t* indices, void* losses, void* gradient) {
    ClassLoss<T> loss = {};
    loss.input = a.input;
    loss.reduction = a.reduction == Reduction::none   ? ClassReduction::none
                     : a.reduction == Reduction::mean ? ClassReduction::mean
                                                      : ClassReduction::sum;
    loss.x = a.x.as<T>();
    loss.rows = a.x.rows();
    loss.columns = a.x.columns();
    loss.targets = {indices, a.ignore_index, a.by_index() ? nullptr : a.targets.as<T>(), a.weight.as<T>(),
                    static_cast<T>(a.smoothing)};
    loss.losses = static_cast<T*>(losses);
    loss.gradient = static_cast<T*>(gradient);
    loss.dloss = a.dloss;
    loss.dlosses = a.dlosses.as<T>();
    double value = 0.0;
    unlocked(kSoftmaxWork * static_cast<double>(a.x.size), [&] { value = class_loss<T>(loss); });
    return value;
}

void* data_of(const Owned& array) { return array ? py::detail::array_proxy(array.get())->data : nullptr; }

// The loss, or with_grad a pair of the loss and the gradient; null with MemoryError set.
PyObject* compute(const Arguments& a, bool with_grad) {
    const bool converts = a.by_index() && a.targets.dtype != DType::i64;
    const Scratch<std::int64_t> converted(converts ? a.targets.size : 0);
    if (a.by_index() && !convert_indices(a, converts ? converted.data() : nullptr)) return not_implemented();
    const std::int64_t* indices = converts ? converted.data() : a.by_index() ? a.targets.as<std::int64_t>() : nullptr;

    Owned losses(a.reduction == Reduction::none ? new_array(a.x.dtype, a.x.rank - 1, a.x.shape) : nullptr);
    if (a.reduction == Reduction::none && !losses) return nullptr;
    Owned gradient(!with_grad ? nullptr
                   : a.out    ? new_reference(a.out.object)
                              : new_array(a.x.dtype, a.x.rank, a.x.shape));
    if (with_grad && !gradient) return nullptr;
    const double value = a.x.dtype == DType::f32 ? run<float>(a, indices, data_of(losses), data_of(gradient))
                                                 : run<double>(a, indices, data_of(losses), data_of(gradient));
    Owned loss(losses ? losses.release() : new_scalar(a.x.dtype, value));
    if (!with_grad || !loss) return loss.release();
    return PyTuple_Pack(2, loss.get(), gradient.get());
}

template <ClassInput kInput>
PyObject* loss_operation(PyObject* const* arguments) {
    Arguments a;
    return read_loss(arguments, kInput, a) != nullptr ? compute(a, false) : not_implemented();
}

template <ClassInput kInput>
PyObject* loss_with_grad_operation(PyObject* const* arguments) {
    Arguments a;
    PyObject* const* rest = read_loss(arguments, kInput, a);
    return rest != nullptr && read_gradient(rest, a) ? compute(a, true) : not_implemented();
}

}  // namespace

void bind_cross_entropy(py::module_& module) {
    PyObject* m = module.ptr();
    add_operation<loss_operation<ClassInput::logits>, 7>(
        m, "cross_entropy", "(logits, targets, axis, weight, ignore_index, label_smoothing, reduction, /)");
    add_operation<loss_with_grad_operation<ClassInput::logits>, 9>(
        m, "cross_entropy_with_grad",
        "(logits, targets, axis, weight, ignore_index, label_smoothing, reduction, dloss, out, /)");
    add_operation<loss_operation<ClassInput::probabilities>, 6>(
        m, "categorical_cross_entropy", "(p, targets, axis, weight, label_smoothing, reduction, /)");
    add_operation<loss_with_grad_operation<ClassInput::probabilities>, 8>(
        m, "categorical_cross_entropy_with_grad",
        "(p, targets, axis, weight, label_smoothing, reduction, dloss, out, /)");
}

}  // namespace python
}  // namespace fastnn
