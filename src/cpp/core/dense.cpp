#include "dense.h"

#include <algorithm>

#include "activation.h"
#include "dispatch.h"
#include "fpenv.h"
#include "scratch.h"
#include "threads.h"

namespace fastnn {
namespace {

using std::ptrdiff_t;

// Fewer rows than this run over b where it lies: packing would cost as much as it saves. A b that fits in the L2 needs
// no packing at all where a tile reads whole lines of its rows, four at a time, and with less until more rows come. Zen
// 4, packed in the call and in place: (32,784,128) float32 63 and 55 us, on two threads 55 and 31; 256x512x512 1182 and
// 1157; with AVX2's tiles of one line 64x256x512 takes 166 and 193, 32x784x128 66 and 63.
constexpr ptrdiff_t kInPlaceRows = 24, kInPlaceRowsNear = 40;
constexpr ptrdiff_t kNearBytes = 1024 * 1024, kWideTileBytes = 256;
// Packed at a time, so that scratch memory stays bounded and the panels stay in the caches until they are used; by many
// rows of a, whose copies then serve more panels. (64,4096,4096) float32: 2 MiB 25.3 ms, 8 MiB 26.9; the weight
// gradient of 2048^3 float64: 2 MiB 74 % of the peak, 8 MiB 87 (Zen 4).
constexpr ptrdiff_t kPackBytes = 2 * 1024 * 1024, kPackBytesOfMany = 8 * 1024 * 1024, kManyRows = 512;
// Rows a thread must have before threads share the rows rather than the columns: sharing the rows packs b once.
constexpr ptrdiff_t kRowsPerThread = 96;

// In the units of parts_for. With few rows or columns the matrices' way from the L3 (13 ps a byte, Zen 4) is the work.
constexpr double kWorkPerByte = 1.3;

template <class T>
double work_of(const Product<T>& g) {
    const double m = static_cast<double>(g.m), n = static_cast<double>(g.n), k = static_cast<double>(g.k);
    return std::max(2 * m * n * k, kWorkPerByte * sizeof(T) * (m * k + k * n + m * n));
}

ptrdiff_t round_up(ptrdiff_t n, ptrdiff_t multiple) { return (n + multiple - 1) / multiple * multiple; }

// Elements of a cache line.
template <class T>
constexpr ptrdiff_t kLine = 64 / static_cast<ptrdiff_t>(sizeof(T));

// Elements of scratch memory per part, padded so that two threads never write to one line.
template <class T>
ptrdiff_t padded(ptrdiff_t n) {
    return round_up(n, 128 / static_cast<ptrdiff_t>(sizeof(T)));
}

template <class T>
void transpose(const T* from, ptrdiff_t rows, ptrdiff_t columns, T* to) {
    for (ptrdiff_t j = 0; j < columns; ++j) {
        for (ptrdiff_t p = 0; p < rows; ++p) to[j * rows + p] = from[p * columns + j];
    }
}

// With so many rows b by rows is packed.
template <class T>
ptrdiff_t rows_in_place(const Product<T>& g) {
    constexpr ptrdiff_t kSize = static_cast<ptrdiff_t>(sizeof(T));
    // One panel is its own packed form. Zen 5, (64,4112,64) float32 on two threads: 103 us packed, 74 in place.
    if (g.ldb <= kernels_of<T>().dense->tile_columns) return g.m + 1;
    if (g.k * g.n > kNearBytes / kSize) return kInPlaceRows;
    const bool wide = kernels_of<T>().dense->tile_columns * kSize >= kWideTileBytes;
    return wide ? g.m + 1 : kInPlaceRowsNear;
}

// Columns packed at a time.
template <class T>
ptrdiff_t columns_at_once(const Product<T>& g) {
    const ptrdiff_t tile = kernels_of<T>().dense->tile_columns;
    const ptrdiff_t bytes = g.m < kManyRows ? kPackBytes : kPackBytesOfMany;
    const ptrdiff_t fit = bytes / static_cast<ptrdiff_t>(sizeof(T)) / std::max<ptrdiff_t>(g.k, 1);
    return std::max<ptrdiff_t>(fit / tile, 1) * tile;
}

// The indivisible pieces of a product, for parts_for.
template <class T>
ptrdiff_t units_of(const Product<T>& g) {
    if (g.n < kNarrowColumns) return round_up(g.m, kLine<T>) / kLine<T>;
    const auto& kernels = *kernels_of<T>().dense;
    return std::max(round_up(g.m, kernels.tile_rows) / kernels.tile_rows,
                    round_up(g.n, kernels.tile_columns) / kernels.tile_columns);
}

// Whether b by rows must be turned for the kernel of few columns.
template <class T>
bool wants_turned(const Product<T>& g) {
    return (g.a_col == 1 || g.k == 0) && g.layout == Layout::rows;
}

// How a product is computed by some parts, and what of scratch memory it takes.
enum class Way { narrow, shallow, ready, packs };
template <class T>
struct Plan {
    Way way;
    bool by_rows;         // the parts share the rows; else the columns
    bool copies;          // narrow and shallow: b is turned first
    ptrdiff_t workspace;  // elements of each part
    ptrdiff_t room;       // elements of a copy of b; one a part if it is packed and the parts share the columns

    Plan(const Product<T>& g, int parts) : by_rows(true), copies(false), workspace(0), room(0) {
        const auto& kernels = *kernels_of<T>().dense;
        if (g.n < kNarrowColumns) {
            way = Way::narrow;
            copies = wants_turned(g) && !(g.n == 1 && g.ldb == 1);  // one column is its own transpose
            workspace = padded<T>(kernels.narrow_workspace_size(g));
            room = copies ? g.k * g.n : 0;
            return;
        }
        if (g.k > 0 && g.k < kShallow && g.layout != Layout::packed) {
            way = Way::shallow;
            by_rows = g.m > parts;
            copies = g.layout == Layout::transposed && !(g.k == 1 && g.ldb == 1);
            room = copies ? g.k * g.n : 0;
            return;
        }
        const ptrdiff_t panels = round_up(g.n, kernels.tile_columns) / kernels.tile_columns;
        by_rows = g.m >= kRowsPerThread * parts || panels < parts ||
                  (panels < 2 * parts && g.m > (2 * parts - 1) * kernels.tile_rows);
        workspace = padded<T>(kernels.workspace_size(g));
        const bool in_place = g.layout == Layout::rows ? g.m < rows_in_place(g) : g.m <= kFewRows && g.a_col == 1;
        way = in_place || g.layout == Layout::packed ? Way::ready : Way::packs;
        if (way == Way::ready) return;
        const ptrdiff_t tile = kernels.tile_columns;
        const ptrdiff_t share = by_rows ? round_up(g.n, tile) : round_up(g.n, parts * tile) / parts;
        room = padded<T>(kernels.packed_size(g.k, std::min(share, columns_at_once(g))));
    }

    ptrdiff_t size(int parts) const { return workspace * parts + (by_rows ? room : room * parts); }
};

template <class T>
void multiply_narrow(Product<T> g, bool copies, int parts, ptrdiff_t workspace, T* scratch) {
    const auto& kernels = *kernels_of<T>().dense;
    if (wants_turned(g)) {
        if (copies) {
            T* const transposed = scratch + workspace * parts;
            transpose(g.b, g.k, g.n, transposed);
            g.b = transposed;
        }
        g.ldb = g.k;
        g.layout = Layout::transposed;
    }
    parallel(parts, [&](int part) {
        const Range rows = part_of(g.m, parts, part, kLine<T>);
        kernels.narrow(g, rows.begin, rows.end, scratch + part * workspace);
    });
}

// b is ready to be read as it is: split the rows, or the columns where there are few rows.
template <class T>
void multiply_ready(const Product<T>& g, ptrdiff_t begin, ptrdiff_t end, int parts, bool by_rows, ptrdiff_t workspace,
                    T* scratch) {
    const auto& kernels = *kernels_of<T>().dense;
    parallel(parts, [&](int part) {
        T* const own = scratch + part * workspace;
        if (by_rows) {
            const Range rows = part_of(g.m, parts, part, kernels.tile_rows);
            kernels.product(g, rows.begin, rows.end, begin, end, own);
        } else {
            const Range columns = part_of(end - begin, parts, part, kernels.tile_columns);
            kernels.product(g, 0, g.m, begin + columns.begin, begin + columns.end, own);
        }
    });
}

// A few terms an element: b is small beside c, and wanted by rows.
template <class T>
void multiply_shallow(Product<T> g, const Plan<T>& plan, int parts, T* scratch) {
    if (plan.copies) {
        for (ptrdiff_t j = 0; j < g.n; ++j) {
            for (ptrdiff_t p = 0; p < g.k; ++p) scratch[p * g.n + j] = g.b[j * g.ldb + p];
        }
        g.b = scratch;
        g.ldb = g.n;
    }
    g.layout = Layout::rows;
    multiply_ready<T>(g, 0, g.n, parts, plan.by_rows, 0, scratch);
}

template <class T>
void multiply_packing(const Product<T>& g, const Plan<T>& plan, int parts, T* scratch) {
    const auto& kernels = *kernels_of<T>().dense;
    const ptrdiff_t tile = kernels.tile_columns, at_once = columns_at_once(g);
    T* const packed = scratch + plan.workspace * parts;
    const auto pack = [&g, &kernels](ptrdiff_t begin, ptrdiff_t end, T* to) {
        kernels.pack(g.b, g.ldb, g.layout, g.k, g.n, begin, end, to);
    };
    const auto ready_product = [&g](ptrdiff_t first_column, const T* panels_of_b) {
        Product<T> ready = g;
        ready.b = panels_of_b;
        ready.layout = Layout::packed;
        ready.first_column = first_column;
        return ready;
    };
    if (plan.by_rows) {
        for (ptrdiff_t j = 0; j < g.n; j += at_once) {
            const ptrdiff_t end = std::min(g.n, j + at_once);
            const int packers = static_cast<int>(std::min<ptrdiff_t>(parts, round_up(end - j, tile) / tile));
            parallel(packers, [&](int part) {
                const Range columns = part_of(end - j, packers, part, tile);
                pack(j + columns.begin, j + columns.end, packed + columns.begin * g.k);
            });
            multiply_ready(ready_product(j, packed), j, end, parts, true, plan.workspace, scratch);
        }
        return;
    }
    // Each thread packs the columns it computes: no waiting for one another.
    parallel(parts, [&](int part) {
        const Range columns = part_of(g.n, parts, part, tile);
        T* const own = packed + part * plan.room;
        for (ptrdiff_t j = columns.begin; j < columns.end; j += at_once) {
            const ptrdiff_t end = std::min(columns.end, j + at_once);
            pack(j, end, own);
            kernels.product(ready_product(j, own), 0, g.m, j, end, scratch + part * plan.workspace);
        }
    });
}

// Too little work to share, b read where it lies, and no scratch memory: a plan would be most of the time of such a
// product.
template <class T>
bool is_direct(const Product<T>& g) {
    return g.m < kInPlaceRows && g.n >= kNarrowColumns && g.a_col == 1 &&
           (g.layout == Layout::packed || (g.layout == Layout::rows && g.k >= kShallow)) &&
           work_of(g) < kLeastSharedWork;
}

// c = f(bias + a b) for any layout of b. The split and the packing never change a bit: they only choose who computes
// an element, and every element is one chain per chunk of k.
template <class T>
void multiply(const Product<T>& g) {
    if (g.m <= 0 || g.n <= 0) return;
    if (is_direct(g)) return kernels_of<T>().dense->product(g, 0, g.m, 0, g.n, nullptr);
    const int parts = parts_for(work_of(g), units_of(g));
    const Plan<T> plan(g, parts);
    const Scratch<T> scratch(plan.size(parts));
    switch (plan.way) {
        case Way::narrow:
            return multiply_narrow(g, plan.copies, parts, plan.workspace, scratch.data());
        case Way::shallow:
            return multiply_shallow(g, plan, parts, scratch.data());
        case Way::ready:
            return multiply_ready(g, 0, g.n, parts, plan.by_rows, plan.workspace, scratch.data());
        case Way::packs:
            return multiply_packing(g, plan, parts, scratch.data());
    }
}

// What multiply takes: parts_for answers 1 or most_parts_for.
template <class T>
ptrdiff_t multiply_scratch_size(const Product<T>& g) {
    if (g.m <= 0 || g.n <= 0 || is_direct(g)) return 0;
    const int most = most_parts_for(work_of(g), units_of(g));
    return std::max(Plan<T>(g, 1).size(1), Plan<T>(g, most).size(most));
}

template <class T>
Product<T> forward_product(const DenseShape<T>& s, const T* x, const T* b, Kind kind, T parameter, T* y, T* z) {
    const bool plain = kind == Kind::identity && z == nullptr;
    T* const c = z != nullptr ? z : y;
    return {s.batch,
            s.outputs,
            s.inputs,
            x,
            s.inputs,
            1,
            nullptr,
            nullptr,
            0,
            Layout::rows,
            0,
            b,
            c,
            s.outputs,
            plain ? nullptr : y,
            static_cast<int>(kind),
            parameter};
}

template <class T>
Product<T> dense_product(const DenseShape<T>& s, const T* x, Weights<T> w, const T* b, Kind kind, T parameter, T* y,
                         T* z) {
    Product<T> g = forward_product(s, x, b, kind, parameter, y, z);
    g.b = w.data;
    g.ldb = w.transposed ? s.inputs : s.outputs;
    g.layout = w.transposed ? Layout::transposed : Layout::rows;
    return g;
}

// dx = dz w^T
template <class T>
Product<T> dx_product(const DenseShape<T>& s, const T* dz, Weights<T> w, T* dx) {
    return {s.batch,
            s.inputs,
            s.outputs,
            dz,
            s.outputs,
            1,
            nullptr,
            w.data,
            w.transposed ? s.inputs : s.outputs,
            w.transposed ? Layout::rows : Layout::transposed,
            0,
            nullptr,
            dx,
            s.inputs,
            nullptr,
            static_cast<int>(Kind::identity),
            T(0)};
}

// dw = x^T dz
template <class T>
Product<T> dw_product(const DenseShape<T>& s, const T* x, const T* dz, T* dw) {
    return {s.inputs,  s.outputs,    s.batch, x,       1,  s.inputs,  nullptr, dz,
            s.outputs, Layout::rows, 0,       nullptr, dw, s.outputs, nullptr, static_cast<int>(Kind::identity),
            T(0)};
}

template <class T>
Product<T> packed_product(const DenseShape<T>& s, const T* x, const T* packed, const T* b, Kind kind, T parameter,
                          T* y) {
    Product<T> g = forward_product<T>(s, x, b, kind, parameter, y, nullptr);
    g.b = packed;
    g.ldb = s.inputs;
    g.layout = s.outputs < kNarrowColumns ? Layout::transposed : Layout::packed;
    return g;
}

// What the product of w takes, whichever way w lies.
template <class T, class F>
std::size_t product_scratch_bytes(F&& product_of) {
    return scratch_bytes<T>(
        std::max(multiply_scratch_size<T>(product_of(false)), multiply_scratch_size<T>(product_of(true))));
}

template <class T>
void column_sums(const T* a, ptrdiff_t m, ptrdiff_t n, T* sums) {
    const auto& kernels = *kernels_of<T>().dense;
    const int parts = parts_for(static_cast<double>(m) * static_cast<double>(n), round_up(n, kLine<T>) / kLine<T>);
    parallel(parts, [&](int part) {
        const Range columns = part_of(n, parts, part, kLine<T>);
        kernels.column_sums(a, m, n, n, columns.begin, columns.end, sums);
    });
}

}  // namespace

template <class T>
std::size_t dense_scratch_bytes(const DenseShape<T>& shape) {
    return product_scratch_bytes<T>([&shape](bool transposed) {
        return dense_product<T>(shape, nullptr, {nullptr, transposed}, nullptr, Kind::identity, T(0), nullptr, nullptr);
    });
}

template <class T>
void dense(const DenseShape<T>& shape, const T* x, Weights<T> w, const T* b, Kind kind, T parameter, T* y, T* z) {
    const FpEnvironment environment;
    multiply(dense_product(shape, x, w, b, kind, parameter, y, z));
}

template <class T>
std::size_t dense_backward_scratch_bytes(const DenseShape<T>& shape) {
    const std::size_t dx = product_scratch_bytes<T>([&shape](bool transposed) {
        return dx_product<T>(shape, nullptr, {nullptr, transposed}, nullptr);
    });
    const std::size_t dw =
        product_scratch_bytes<T>([&shape](bool) { return dw_product<T>(shape, nullptr, nullptr, nullptr); });
    return scratch_bytes<T>(shape.batch * shape.outputs) + std::max(dx, dw);
}

template <class T>
void dense_backward(const DenseShape<T>& s, const T* dy, const T* x, Weights<T> w, const T* saved, Kind kind,
                    T parameter, T* dx, T* dw, T* db) {
    const FpEnvironment environment;
    const bool linear = kind == Kind::identity;
    Scratch<T> scratch(linear ? 0 : s.batch * s.outputs);
    if (!linear) activation_backward(kind, parameter, dy, saved, scratch.data(), s.batch * s.outputs);
    const T* const dz = linear ? dy : scratch.data();
    if (dx != nullptr) multiply(dx_product(s, dz, w, dx));
    if (dw != nullptr) multiply(dw_product(s, x, dz, dw));
    if (db != nullptr) column_sums(dz, s.batch, s.outputs, db);
}

template <class T>
void run_product(const Product<T>& product) {
    const FpEnvironment environment;
    multiply(product);
}

template <class T>
ptrdiff_t packed_weights_size(ptrdiff_t inputs, ptrdiff_t outputs) {
    return outputs < kNarrowColumns ? inputs * outputs : kernels_of<T>().dense->packed_size(inputs, outputs);
}

template <class T>
void pack_weights(ptrdiff_t inputs, ptrdiff_t outputs, Weights<T> w, T* packed) {
    if (outputs >= kNarrowColumns) {
        kernels_of<T>().dense->pack(w.data, w.transposed ? inputs : outputs,
                                    w.transposed ? Layout::transposed : Layout::rows, inputs, outputs, 0, outputs,
                                    packed);
    } else if (w.transposed) {
        std::copy_n(w.data, inputs * outputs, packed);
    } else {
        transpose(w.data, inputs, outputs, packed);
    }
}

template <class T>
bool packed_dense_is_direct(const DenseShape<T>& shape) {
    return is_direct(packed_product<T>(shape, nullptr, nullptr, nullptr, Kind::identity, T(0), nullptr));
}

template <class T>
std::size_t packed_dense_scratch_bytes(const DenseShape<T>& shape) {
    return scratch_bytes<T>(
        multiply_scratch_size(packed_product<T>(shape, nullptr, nullptr, nullptr, Kind::identity, T(0), nullptr)));
}

template <class T>
void packed_dense(const DenseShape<T>& shape, const T* x, const T* packed, const T* b, Kind kind, T parameter, T* y) {
    const FpEnvironment environment;
    multiply(packed_product(shape, x, packed, b, kind, parameter, y));
}

#define FASTNN_INSTANTIATE(T)                                                                                        \
    template std::size_t dense_scratch_bytes<T>(const DenseShape<T>&);                                               \
    template std::size_t dense_backward_scratch_bytes<T>(const DenseShape<T>&);                                      \
    template std::size_t packed_dense_scratch_bytes<T>(const DenseShape<T>&);                                        \
    template bool packed_dense_is_direct<T>(const DenseShape<T>&);                                                   \
    template void dense<T>(const DenseShape<T>&, const T*, Weights<T>, const T*, Kind, T, T*, T*);                   \
    template void dense_backward<T>(const DenseShape<T>&, const T*, const T*, Weights<T>, const T*, Kind, T, T*, T*, \
                                    T*);                                                                             \
    template void run_product<T>(const Product<T>&);                                                                 \
    template ptrdiff_t packed_weights_size<T>(ptrdiff_t, ptrdiff_t);                                                 \
    template void pack_weights<T>(ptrdiff_t, ptrdiff_t, Weights<T>, T*);                                             \
    template void packed_dense<T>(const DenseShape<T>&, const T*, const T*, const T*, Kind, T, T*);
FASTNN_INSTANTIATE(float)
FASTNN_INSTANTIATE(double)

}  // namespace fastnn
