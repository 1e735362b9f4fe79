#include "dense_weights.h"

#include <algorithm>

#include "dispatch.h"

namespace fastnn {

using std::ptrdiff_t;

namespace {

// Elements of the panels of a (k, n) matrix.
template <class T>
ptrdiff_t panels_size(ptrdiff_t k, ptrdiff_t n) {
    return n < kNarrowColumns ? k * n : kernels_of<T>().dense->packed_size(k, n);
}

}  // namespace

template <class T>
DenseWeights<T>::DenseWeights(ptrdiff_t inputs, ptrdiff_t outputs, bool needs_backward)
    : inputs_(inputs),
      outputs_(outputs),
      tile_(kernels_of<T>().dense->tile_columns),
      weights_(panels_size<T>(inputs, outputs)),
      turned_(outputs < kNarrowColumns ? inputs * outputs : 0),
      backward_(needs_backward && outputs >= kNarrowColumns ? panels_size<T>(outputs, inputs) : 0) {}

template <class T>
Panel DenseWeights<T>::panel(ptrdiff_t index) const {
    if (narrow()) return {0, outputs_, outputs_, 0};
    const ptrdiff_t begin = index * tile_, columns = std::min(tile_, outputs_ - begin);
    const ptrdiff_t before = begin * inputs_;
    // All but the last panel are whole: what is left of the array is the last one's.
    const ptrdiff_t width = columns == tile_ ? tile_ : (size() - before) / inputs_;
    return {begin, columns, width, before};
}

template <class T>
void DenseWeights<T>::pack(const T* w, T* packed) const {
    for (ptrdiff_t i = 0; i < panels(); ++i) {
        const Panel p = panel(i);
        for (ptrdiff_t row = 0; row < inputs_; ++row) {
            T* const to = std::copy_n(w + row * outputs_ + p.begin, p.columns, packed + p.offset + row * p.width);
            std::fill(to, to + (p.width - p.columns), T(0));
        }
    }
}

template <class T>
void DenseWeights<T>::unpack_row(const T* packed, ptrdiff_t row, T* to) const {
    for (ptrdiff_t i = 0; i < panels(); ++i) {
        const Panel p = panel(i);
        std::copy_n(packed + p.offset + row * p.width, p.columns, to + p.begin);
    }
}

template <class T>
void DenseWeights<T>::unpack(const T* packed, T* w) const {
    for (ptrdiff_t row = 0; row < inputs_; ++row) unpack_row(packed, row, w + row * outputs_);
}

template <class T>
void DenseWeights<T>::refresh(int part, int parts) const {
    if (turned_.size() > 0) {
        const Range rows = part_of(inputs_, parts, part);
        for (ptrdiff_t j = 0; j < outputs_; ++j) {
            for (ptrdiff_t i = rows.begin; i < rows.end; ++i) {
                turned_.data()[j * inputs_ + i] = weights_.data()[i * outputs_ + j];
            }
        }
    }
    if (backward_.size() == 0) return;
    if (inputs_ < kNarrowColumns) {
        if (part == 0) unpack(weights_.data(), backward_.data());
        return;
    }
    // A panel of w^T is as many inputs; each panel of w gives it a run of its rows.
    const auto& kernels = *kernels_of<T>().dense;
    const Range columns = part_of(inputs_, parts, part, tile_);
    for (ptrdiff_t j = columns.begin; j < columns.end; j += tile_) {
        const ptrdiff_t end = std::min(j + tile_, columns.end);
        const ptrdiff_t width = kernels.packed_size(1, end - j);
        for (ptrdiff_t i = 0; i < panels(); ++i) {
            const Panel p = panel(i);
            T* const to = backward_.data() + j * outputs_ + p.begin * width;
            kernels.pack(weights_.data() + p.offset, p.width, Layout::transposed, p.columns, inputs_, j, end, to);
        }
    }
}

template <class T>
Product<T> DenseWeights<T>::forward(ptrdiff_t m, const T* x, const T* bias, int kind, T parameter, T* y, T* z) const {
    const bool plain = kind == 0 && z == nullptr;  // Kind::identity
    Product<T> g = {};
    g.m = m;
    g.n = outputs_;
    g.k = inputs_;
    g.a = x;
    g.a_row = inputs_;
    g.a_col = 1;
    g.b = narrow() ? turned_.data() : weights_.data();
    g.ldb = inputs_;
    g.layout = narrow() ? Layout::transposed : Layout::packed;
    g.bias = bias;
    g.c = z != nullptr ? z : y;
    g.ldc = outputs_;
    g.y = plain ? nullptr : y;
    g.kind = kind;
    g.parameter = parameter;
    return g;
}

template <class T>
Product<T> DenseWeights<T>::backward(ptrdiff_t m, const T* dz, T* dx) const {
    Product<T> g = {};
    g.m = m;
    g.n = inputs_;
    g.k = outputs_;
    g.a = dz;
    g.a_row = outputs_;
    g.a_col = 1;
    g.c = dx;
    g.ldc = inputs_;
    if (inputs_ < kNarrowColumns) {
        g.b = narrow() ? weights_.data() : backward_.data();
        g.ldb = outputs_;
        g.layout = Layout::transposed;
    } else if (narrow()) {
        g.b = turned_.data();
        g.ldb = inputs_;
        g.layout = Layout::rows;
    } else {
        g.b = backward_.data();
        g.layout = Layout::packed;
    }
    return g;
}

template <class T>
Product<T> DenseWeights<T>::gradient(ptrdiff_t batch, const T* x, const T* dz, Range rows, Range columns, T* result,
                                     ptrdiff_t stride) const {
    Product<T> g = {};
    g.m = rows.end - rows.begin;
    g.n = columns.end - columns.begin;
    g.k = batch;
    g.a = x + rows.begin;
    g.a_row = 1;
    g.a_col = inputs_;
    g.b = dz + columns.begin;
    g.ldb = outputs_;
    g.layout = Layout::rows;
    g.c = result;
    g.ldc = stride;
    return g;
}

template <class T>
void DenseWeights<T>::panel_gradient(ptrdiff_t batch, const T* x, const T* dz, const Panel& panel, Range rows,
                                     T* result, T* turned_dz, T* workspace) const {
    const auto& kernels = *kernels_of<T>().dense;
    Product<T> g = gradient(batch, x, dz, rows, panel.range(), result, panel.width);
    if (!narrow()) {
        if (panel.width > panel.columns) std::fill(result, result + g.m * panel.width, T(0));
        kernels.product(g, 0, g.m, 0, g.n, workspace);
        return;
    }
    if (g.a_col == 1) {  // one input: its column is a row as well, and then dz is wanted turned
        for (ptrdiff_t j = 0; j < outputs_; ++j) {
            for (ptrdiff_t p = 0; p < batch; ++p) turned_dz[j * batch + p] = dz[p * outputs_ + j];
        }
        g.b = turned_dz;
        g.ldb = batch;
        g.layout = Layout::transposed;
    }
    kernels.narrow(g, 0, g.m, workspace);
}

template <class T>
void product_rows(const Product<T>& g, Range rows, T* workspace) {
    if (rows.begin >= rows.end) return;
    const auto& kernels = *kernels_of<T>().dense;
    if (g.n < kNarrowColumns) {
        kernels.narrow(g, rows.begin, rows.end, workspace);
    } else {
        kernels.product(g, rows.begin, rows.end, 0, g.n, workspace);
    }
}

template <class T>
void product_columns(const Product<T>& g, Range columns, T* workspace) {
    kernels_of<T>().dense->product(g, 0, g.m, columns.begin, columns.end, workspace);
}

template <class T>
ptrdiff_t product_workspace_size(const Product<T>& g) {
    const auto& kernels = *kernels_of<T>().dense;
    return g.n < kNarrowColumns ? kernels.narrow_workspace_size(g) : kernels.workspace_size(g);
}

#define FASTNN_INSTANTIATE(T)                                       \
    template class DenseWeights<T>;                                 \
    template void product_rows<T>(const Product<T>&, Range, T*);    \
    template void product_columns<T>(const Product<T>&, Range, T*); \
    template ptrdiff_t product_workspace_size<T>(const Product<T>&);
FASTNN_INSTANTIATE(float)
FASTNN_INSTANTIATE(double)
#undef FASTNN_INSTANTIATE

}  // namespace fastnn
