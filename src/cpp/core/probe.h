// Rates that this machine reaches, measured on thread_count() threads at once. A call takes about 10 ms.
#ifndef FASTNN_CORE_PROBE_H
#define FASTNN_CORE_PROBE_H

#include <cstddef>

namespace fastnn {

// Floating-point operations a second: fma, all threads together.
template <class T>
double probe_fma();

// Exponentials a second, from registers to registers.
template <class T>
double probe_exp();

// Bytes a second, read (or read and written, both counted) by all threads together, each on a share of `bytes` bytes
// of its own. `stream` stores round the caches. Throws std::bad_alloc.
double probe_read(std::ptrdiff_t bytes);
double probe_copy(std::ptrdiff_t bytes, bool stream);

}  // namespace fastnn

#endif
