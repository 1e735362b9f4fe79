// The rates of this machine, for fastnn.bench.
#include "core/probe.h"

#include <string>

#include "arrays.h"

namespace fastnn {
namespace python {

namespace py = pybind11;

namespace {

constexpr double kLong = 1e9;  // always worth letting go of the GIL

bool is_double(const std::string& dtype) {
    if (dtype == "float64") return true;
    if (dtype == "float32") return false;
    throw py::value_error("dtype must be 'float32' or 'float64', got '" + dtype + "'");
}

std::ptrdiff_t checked(std::ptrdiff_t bytes) {
    constexpr std::ptrdiff_t kMost = std::ptrdiff_t(1) << 36;
    if (bytes >= 1024 && bytes <= kMost) return bytes;
    throw py::value_error("bytes must be between 1024 and 2**36, got " + std::to_string(bytes));
}

template <class F>
double measured(F probe) {
    double rate = 0;
    unlocked(kLong, [&] { rate = probe(); });
    return rate;
}

}  // namespace

void bind_probe(py::module_& module) {
    module.def(
        "probe_fma",
        [](const std::string& dtype) { return measured(is_double(dtype) ? probe_fma<double> : probe_fma<float>); },
        py::arg("dtype"), py::pos_only());
    module.def(
        "probe_exp",
        [](const std::string& dtype) { return measured(is_double(dtype) ? probe_exp<double> : probe_exp<float>); },
        py::arg("dtype"), py::pos_only());
    module.def(
        "probe_read",
        [](std::ptrdiff_t bytes) {
            checked(bytes);
            return measured([bytes] { return probe_read(bytes); });
        },
        py::arg("bytes"), py::pos_only());
    module.def(
        "probe_copy",
        [](std::ptrdiff_t bytes, bool stream) {
            checked(bytes);
            return measured([bytes, stream] { return probe_copy(bytes, stream); });
        },
        py::arg("bytes"), py::arg("stream"), py::pos_only());
}

}  // namespace python
}  // namespace fastnn
