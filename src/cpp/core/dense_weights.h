// The weights (I, O) of a dense layer as a network keeps them: in the kernels' panels, which the optimizer updates in
// place, and beside them the turned copies that some products read.
//
// A panel holds some columns of all rows, a row after the other; the last one's rows are padded with zeros. Fewer than
// kNarrowColumns outputs are one panel without padding. Gradients and optimizer states are laid out in the same way.
#ifndef FASTNN_CORE_DENSE_WEIGHTS_H
#define FASTNN_CORE_DENSE_WEIGHTS_H

#include <cstddef>

#include "../kernels/dense.h"
#include "buffer.h"
#include "threads.h"

namespace fastnn {

struct Panel {
    std::ptrdiff_t begin, columns;  // of the matrix
    std::ptrdiff_t width;           // elements of a row of the panel
    std::ptrdiff_t offset;          // of the panel's first element
    Range range() const { return {begin, begin + columns}; }
};

template <class T>
class DenseWeights {
   public:
    // needs_backward: whether backward() will be asked for.
    DenseWeights(std::ptrdiff_t inputs, std::ptrdiff_t outputs, bool needs_backward);

    std::ptrdiff_t inputs() const { return inputs_; }
    std::ptrdiff_t outputs() const { return outputs_; }
    bool narrow() const { return outputs_ < kNarrowColumns; }
    std::ptrdiff_t panels() const { return narrow() ? 1 : (outputs_ + tile_ - 1) / tile_; }
    Panel panel(std::ptrdiff_t index) const;

    // Elements of the weights, and of any array laid out like them.
    std::ptrdiff_t size() const { return weights_.size(); }
    T* data() const { return weights_.data(); }

    // From and to a C-contiguous (I, O).
    void pack(const T* w, T* packed) const;
    void unpack(const T* packed, T* w) const;
    // One row (O,) out of the panels.
    void unpack_row(const T* packed, std::ptrdiff_t row, T* to) const;

    // Brings the turned copies up to date with the weights: one of `parts` shares of that work. Products read them.
    void refresh(int part, int parts) const;

    // y (m, O) = f(x (m, I) w + bias), z (m, O) before f or null. bias may be null.
    Product<T> forward(std::ptrdiff_t m, const T* x, const T* bias, int kind, T parameter, T* y, T* z) const;
    // dx (m, I) = dz (m, O) w^T.
    Product<T> backward(std::ptrdiff_t m, const T* dz, T* dx) const;
    // The gradient of some rows and columns, x^T dz over the batch, as rows of `stride` elements.
    Product<T> gradient(std::ptrdiff_t batch, const T* x, const T* dz, Range rows, Range columns, T* result,
                        std::ptrdiff_t stride) const;
    // That of some rows of a panel computed, (rows, panel.width). turned_dz holds (O, batch), and is written, where
    // inputs == 1 and narrow(); else it may be null. workspace: as for the product of the panel's columns.
    void panel_gradient(std::ptrdiff_t batch, const T* x, const T* dz, const Panel& panel, Range rows, T* result,
                        T* turned_dz, T* workspace) const;

   private:
    std::ptrdiff_t inputs_, outputs_, tile_;
    Buffer<T> weights_;
    Buffer<T> turned_;    // (O, I), where narrow
    Buffer<T> backward_;  // panels of w^T, or (I, O) where inputs_ < kNarrowColumns
};

// Part of a product on the calling thread: some rows, or some columns (whole tiles; at least kNarrowColumns of them).
template <class T>
void product_rows(const Product<T>& product, Range rows, T* workspace);
template <class T>
void product_columns(const Product<T>& product, Range columns, T* workspace);
template <class T>
std::ptrdiff_t product_workspace_size(const Product<T>& product);

}  // namespace fastnn

#endif
