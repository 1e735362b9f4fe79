// The extension fastnn._fastnn: a table of contents.
#include <string>

#include "arrays.h"
#include "core/dispatch.h"
#include "core/threads.h"
#include "fastnn/version.h"

namespace py = pybind11;

namespace fastnn {
namespace python {

void bind_activation(py::module_& module);
void bind_cross_entropy(py::module_& module);
void bind_dense(py::module_& module);
void bind_loss(py::module_& module);
void bind_network(py::module_& module);
void bind_optimizer(py::module_& module);
void bind_probe(py::module_& module);
void bind_random(py::module_& module);
void bind_result_memory(py::module_& module);
void bind_softmax(py::module_& module);

namespace {

#if defined(__clang__)
constexpr const char* kCompiler = __VERSION__;  // names itself
#else
constexpr const char* kCompiler = "gcc " __VERSION__;
#endif

py::list available_isas() {
    py::list names;
    for (const Kernels* const* table = available_kernels(); *table != nullptr; ++table) names.append((*table)->name);
    return names;
}

void set_threads(int n) {
    if (n < 1) throw py::value_error("n must be at least 1, got " + std::to_string(n));
    set_thread_count(n);
}

}  // namespace
}  // namespace python
}  // namespace fastnn

PYBIND11_MODULE(_fastnn, module) {
    using namespace fastnn;
    using namespace fastnn::python;
    for (const char* error : {isa_setting_error(), thread_setting_error()}) {
        if (error != nullptr) throw py::import_error(error);
    }
    bind_arrays(module);
    bind_result_memory(module);
    bind_activation(module);
    bind_cross_entropy(module);
    bind_dense(module);
    bind_loss(module);
    bind_network(module);
    bind_optimizer(module);
    bind_probe(module);
    bind_random(module);
    bind_softmax(module);
    module.attr("version") = FASTNN_VERSION;
    module.def("compiler", [] { return kCompiler; });
    module.def("isa", [] { return kernels().name; });
    module.def("available_isas", &available_isas);
    module.def("get_num_threads", &thread_count);
    module.def("set_num_threads", &set_threads, py::arg("n"), py::pos_only());
}
