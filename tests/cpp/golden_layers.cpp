// Golden cases of dense layers, activations, random operations and the softmax family.
#include <stdexcept>

#include "core/activation.h"
#include "core/dense.h"
#include "core/random.h"
#include "core/scratch.h"
#include "core/softmax.h"
#include "golden.h"

namespace golden {
namespace {

using fastnn::Kind;

constexpr fastnn::RandomKey kKey = {0x0123456789ABCDEF, 0xFEDCBA9876543210};

struct Activation {
    explicit Activation(const std::string& word) {
        const std::size_t equals = word.find('=');
        const std::string name = word.substr(0, equals);
        int found = 0;
        while (found < fastnn::kKindCount && name != fastnn::kind_name(static_cast<Kind>(found))) ++found;
        if (found == fastnn::kKindCount) throw std::runtime_error("no kind is called " + name);
        kind = static_cast<Kind>(found);
        parameter =
            equals == std::string::npos ? fastnn::default_parameter(kind) : Name::number_of(word.substr(equals + 1));
    }

    template <class T>
    T as() const {
        return narrowed<T>(parameter);
    }

    Kind kind;
    double parameter;
};

template <class T>
std::vector<T> empty(ptrdiff_t n) {
    return std::vector<T>(static_cast<std::size_t>(n));
}

template <class T>
struct Layer {
    explicit Layer(const Name& name)
        : shape{name.size(0), name.size(1), name.size(2)},
          f(name.words.at(3)),
          parameter(f.as<T>()),
          x(centred<T>(1, shape.batch * shape.inputs, 4)),
          w(centred<T>(2, shape.inputs * shape.outputs, 1)),
          b(centred<T>(3, shape.outputs, 1)),
          y(empty<T>(shape.batch * shape.outputs)),
          z(y) {}

    void forward(const T* bias, T* pre_activation) {
        fastnn::dense<T>(shape, x.data(), {w.data(), false}, bias, f.kind, parameter, y.data(), pre_activation);
    }

    fastnn::DenseShape<T> shape;
    Activation f;
    T parameter;
    std::vector<T> x, w, b, y, z;
};

template <class T>
void dense(const Name& name, Digest& digest) {
    Layer<T> layer(name);
    const T* const b = name.has("nobias", 4) ? nullptr : layer.b.data();
    if (name.has("packed", 4)) {
        const fastnn::Scratch<T> packed(fastnn::packed_weights_size<T>(layer.shape.inputs, layer.shape.outputs));
        fastnn::pack_weights<T>(layer.shape.inputs, layer.shape.outputs, {layer.w.data(), false}, packed.data());
        fastnn::packed_dense<T>(layer.shape, layer.x.data(), packed.data(), b, layer.f.kind, layer.parameter,
                                layer.y.data());
    } else {
        layer.forward(b, name.has("z", 4) ? layer.z.data() : nullptr);
    }
    digest.add(layer.y);
    if (name.has("z", 4)) digest.add(layer.z);
}

template <class T>
void dense_backward(const Name& name, Digest& digest) {
    Layer<T> layer(name);
    layer.forward(layer.b.data(), layer.z.data());
    const std::vector<T> dy = centred<T>(4, layer.shape.batch * layer.shape.outputs, 1);
    const std::vector<T>& saved = fastnn::needs_z(layer.f.kind, layer.f.parameter) ? layer.z : layer.y;
    std::vector<T> dx(layer.x.size()), dw(layer.w.size()), db(layer.b.size());
    fastnn::dense_backward<T>(layer.shape, dy.data(), layer.x.data(), {layer.w.data(), false}, saved.data(),
                              layer.f.kind, layer.parameter, dx.data(), dw.data(), db.data());
    digest.add(dx);
    digest.add(dw);
    digest.add(db);
}

template <class T>
void activation(const Name& name, Digest& digest) {
    const ptrdiff_t n = name.size(0);
    const Activation f(name.words.at(2));
    const T parameter = f.as<T>();
    const std::vector<T> z = centred<T>(1, n, name.number(1));
    std::vector<T> y(z.size());
    fastnn::activation<T>(f.kind, parameter, z.data(), y.data(), n);
    if (name.operation == "activation") return digest.add(y);
    const std::vector<T> dy = centred<T>(2, n, 1);
    const std::vector<T>& saved = fastnn::needs_z(f.kind, f.parameter) ? z : y;
    std::vector<T> dz(z.size());
    fastnn::activation_backward<T>(f.kind, parameter, dy.data(), saved.data(), dz.data(), n);
    digest.add(dz);
}

template <class T>
void prelu(const Name& name, Digest& digest) {
    const ptrdiff_t rows = name.size(0), columns = name.size(1);
    const bool shared = name.has("one", 2) || columns == 1;
    const std::vector<T> x = centred<T>(1, rows * columns, 4), slope = centred<T>(2, shared ? 1 : columns, 1);
    std::vector<T> result(x.size());
    if (name.operation == "prelu") {
        fastnn::prelu<T>(x.data(), slope.data(), shared, result.data(), rows, columns);
        return digest.add(result);
    }
    const std::vector<T> dy = centred<T>(3, rows * columns, 1);
    std::vector<T> dslope(slope.size());
    fastnn::prelu_backward<T>(dy.data(), x.data(), slope.data(), shared, result.data(), dslope.data(), rows, columns);
    digest.add(result);
    digest.add(dslope);
}

template <class T>
void rrelu(const Name& name, Digest& digest) {
    const ptrdiff_t n = name.size(0);
    const std::vector<T> x = centred<T>(1, n, 4), dy = centred<T>(2, n, 1);
    std::vector<T> result(x.size());
    const fastnn::RreluOptions options = {1.0 / 8.0, 1.0 / 3.0, name.has("training", 1), kKey};
    fastnn::rrelu<T>(options, x.data(), (name.operation == "rrelu" ? x : dy).data(), result.data(), n);
    digest.add(result);
}

template <class T>
void dropout(const Name& name, Digest& digest) {
    std::vector<T> x = centred<T>(1, name.size(0), 4);
    fastnn::dropout<T>(name.number(1), kKey, x.data(), x.data(), name.size(0));
    digest.add(x);
}

template <class T>
void softmax(const Name& name, Digest& digest) {
    const ptrdiff_t rows = name.size(0), columns = name.size(1);
    const std::vector<T> x = logits<T>(1, rows, columns, name.words.at(2)), dy = centred<T>(2, rows * columns, 1);
    std::vector<T> y(x.size()), result(x.size());
    const std::string& operation = name.operation;
    if (operation == "logsumexp") {
        y.resize(static_cast<std::size_t>(rows));
        fastnn::logsumexp<T>(x.data(), y.data(), rows, columns);
    } else if (operation == "softmax" || operation == "softmax_backward") {
        fastnn::softmax<T>(x.data(), y.data(), rows, columns);
    } else {
        fastnn::log_softmax<T>(x.data(), y.data(), rows, columns);
    }
    if (operation == "softmax_backward") {
        fastnn::softmax_backward<T>(dy.data(), y.data(), result.data(), rows, columns);
    } else if (operation == "log_softmax_backward") {
        fastnn::log_softmax_backward<T>(dy.data(), y.data(), result.data(), rows, columns);
    } else {
        return digest.add(y);
    }
    digest.add(result);
}

template <class T>
bool run(const Name& name, Digest& digest) {
    const std::string& operation = name.operation;
    if (operation == "dense") {
        dense<T>(name, digest);
    } else if (operation == "dense_backward") {
        dense_backward<T>(name, digest);
    } else if (operation == "activation" || operation == "activation_backward") {
        activation<T>(name, digest);
    } else if (operation == "prelu" || operation == "prelu_backward") {
        prelu<T>(name, digest);
    } else if (operation == "rrelu" || operation == "rrelu_backward") {
        rrelu<T>(name, digest);
    } else if (operation == "dropout" || operation == "dropout_backward") {
        dropout<T>(name, digest);
    } else if (operation.find("softmax") != std::string::npos || operation == "logsumexp") {
        softmax<T>(name, digest);
    } else {
        return false;
    }
    return true;
}

}  // namespace

bool run_layer(const Name& name, Digest& digest) {
    return name.is_double ? run<double>(name, digest) : run<float>(name, digest);
}

}  // namespace golden
