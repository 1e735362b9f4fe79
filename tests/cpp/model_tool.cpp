// What tests/test_model_exchange.py runs: a model on this side of the C interface.
//
//   model_tool predict MODEL X Y          Y = the results for the samples X, raw numbers of the network's dtype
//   model_tool bytes MODEL X Y            the same for samples of bytes
//   model_tool train MODEL X TARGETS ROWS STEPS RATE LOSSES NEW
//                                         STEPS steps of ROWS rows, from the top again at the end; TARGETS are int64
//                                         class indices if its name ends in .classes; NEW is the model saved then
//   model_tool copy MODEL NEW             loads and saves
//   model_tool make DTYPE LOSS NEW        a network made here, compiled and saved
//   model_tool status MODEL               prints the status of loading
//
// Prints the hash of what it computed: FNV-1a of 64 bits. Exit code 0, or 1 after a sentence.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <type_traits>
#include <vector>

#include "fastnn/fastnn.h"
#include "fastnn/network.h"

namespace {

[[noreturn]] void stop(const std::string& sentence) {
    std::fprintf(stderr, "%s\n", sentence.c_str());
    std::exit(1);
}

void check(fastnn_status status, const char* what) {
    if (status != FASTNN_OK) stop(std::string(what) + ": " + fastnn_status_string(status));
}

template <class T>
std::vector<T> read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) stop("cannot read " + path);
    const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    std::vector<T> values(bytes.size() / sizeof(T));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
    return values;
}

template <class T>
void write(const std::string& path, const std::vector<T>& values) {
    const auto bytes = static_cast<std::streamsize>(values.size() * sizeof(T));
    std::ofstream file(path, std::ios::binary);
    if (!file.write(reinterpret_cast<const char*>(values.data()), bytes)) stop("cannot write " + path);
}

template <class T>
void print_hash(const std::vector<T>& values) {
    std::uint64_t hash = 0xCBF29CE484222325;
    const auto* const bytes = reinterpret_cast<const unsigned char*>(values.data());
    for (std::size_t i = 0; i < values.size() * sizeof(T); ++i) hash = (hash ^ bytes[i]) * 0x100000001B3;
    std::printf("%016llx\n", static_cast<unsigned long long>(hash));
}

fastnn_network* load(const std::string& path) {
    fastnn_network* network = nullptr;
    check(fastnn_network_load(path.c_str(), &network), "load");
    return network;
}

// The C interface of one dtype.
fastnn_status predict(const fastnn_network* n, std::int64_t rows, const float* x, float* y) {
    return fastnn_network_predict_f32(n, rows, x, y, nullptr, 0);
}
fastnn_status predict(const fastnn_network* n, std::int64_t rows, const double* x, double* y) {
    return fastnn_network_predict_f64(n, rows, x, y, nullptr, 0);
}
fastnn_status predict(const fastnn_network* n, std::int64_t rows, const std::uint8_t* x, float* y) {
    return fastnn_network_predict_u8_f32(n, rows, x, y, nullptr, 0);
}
fastnn_status predict(const fastnn_network* n, std::int64_t rows, const std::uint8_t* x, double* y) {
    return fastnn_network_predict_u8_f64(n, rows, x, y, nullptr, 0);
}
fastnn_status train(fastnn_network* n, std::int64_t rows, const float* x, const float* t, const std::int64_t* c,
                    double rate, double* loss) {
    return fastnn_network_train_step_f32(n, rows, x, t, c, nullptr, rate, loss);
}
fastnn_status train(fastnn_network* n, std::int64_t rows, const double* x, const double* t, const std::int64_t* c,
                    double rate, double* loss) {
    return fastnn_network_train_step_f64(n, rows, x, t, c, nullptr, rate, loss);
}

template <class From, class T>
void run_predict(const fastnn_network* network, const std::string& x_path, const std::string& y_path) {
    const std::vector<From> x = read<From>(x_path);
    const auto inputs = static_cast<std::size_t>(fastnn_network_inputs(network));
    std::vector<T> y(x.size() / inputs * static_cast<std::size_t>(fastnn_network_outputs(network)));
    check(predict(network, static_cast<std::int64_t>(x.size() / inputs), x.data(), y.data()), "predict");
    write(y_path, y);
    print_hash(y);
}

template <class T>
void run_train(fastnn_network* network, char** arguments) {
    const std::vector<T> x = read<T>(arguments[0]);
    const std::string targets_path = arguments[1];
    const bool by_class = targets_path.size() > 8 && targets_path.compare(targets_path.size() - 8, 8, ".classes") == 0;
    const std::vector<T> targets = by_class ? std::vector<T>() : read<T>(targets_path);
    const auto classes = by_class ? read<std::int64_t>(targets_path) : std::vector<std::int64_t>();
    const std::int64_t rows = std::atoll(arguments[2]), steps = std::atoll(arguments[3]);
    const std::int64_t inputs = fastnn_network_inputs(network), outputs = fastnn_network_outputs(network);
    const std::int64_t samples = static_cast<std::int64_t>(x.size()) / inputs;
    std::vector<double> losses(static_cast<std::size_t>(steps));
    std::int64_t row = 0;
    for (double& loss : losses) {
        const std::int64_t count = std::min(rows, samples - row);
        check(train(network, count, x.data() + row * inputs, by_class ? nullptr : targets.data() + row * outputs,
                    by_class ? classes.data() + row : nullptr, std::atof(arguments[4]), &loss),
              "train");
        row = row + count < samples ? row + count : 0;
    }
    write(arguments[5], losses);
    print_hash(losses);
}

void make(const std::string& dtype, int loss, const std::string& path) {
    fastnn_stage stages[6] = {};
    stages[0].layer = FASTNN_RESCALING;
    stages[0].scale = 0.1;
    stages[0].offset = -1e-7;
    stages[1].layer = FASTNN_DENSE;
    stages[1].units = 17;
    stages[1].activation = FASTNN_SWISH;
    stages[1].parameter = 1.5;
    stages[1].l2 = 0.001;
    stages[2].layer = FASTNN_DROPOUT;
    stages[2].rate = 0.25;
    stages[3].layer = FASTNN_PRELU;
    stages[4].layer = FASTNN_DENSE;
    stages[4].units = 3;
    stages[4].bias_l1 = 0.01;
    stages[5].layer = loss == FASTNN_LOSS_BINARY_CROSS_ENTROPY ? FASTNN_ACTIVATION : FASTNN_SOFTMAX;
    stages[5].activation = FASTNN_SIGMOID;
    fastnn_network* network = nullptr;
    check(fastnn_network_create(dtype == "float32" ? FASTNN_F32 : FASTNN_F64, 5, stages, 6, sizeof *stages, &network),
          "create");
    check(fastnn_network_initialize(network, 7), "initialize");
    fastnn_training training;
    check(fastnn_training_defaults(&training, sizeof training, loss, loss % (FASTNN_ADAGRAD + 1)), "defaults");
    training.momentum = 0.5;
    training.clip = FASTNN_CLIP_GLOBAL_NORM;
    training.clip_limit = 0.75;
    training.weight_decay = 1e-5;
    training.label_smoothing = 0.1;
    training.seed = 99;
    check(fastnn_network_compile(network, &training), "compile");
    check(fastnn_network_save(network, path.c_str()), "save");
    fastnn_network_free(network);
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 3) stop("see the head of model_tool.cpp");
    const std::string command = arguments[1];
    if (command == "status") {
        fastnn_network* network = nullptr;
        std::printf("%d\n", fastnn_network_load(arguments[2], &network));
        fastnn_network_free(network);
        return 0;
    }
    if (command == "make" && count == 5) {
        make(arguments[2], std::atoi(arguments[3]), arguments[4]);
        return 0;
    }
    fastnn_network* const network = load(arguments[2]);
    const bool single = fastnn_network_dtype(network) == FASTNN_F32;
    if (command == "copy" && count == 4) {
        check(fastnn_network_save(network, arguments[3]), "save");
    } else if (command == "predict" && count == 5) {
        single ? run_predict<float, float>(network, arguments[3], arguments[4])
               : run_predict<double, double>(network, arguments[3], arguments[4]);
    } else if (command == "bytes" && count == 5) {
        single ? run_predict<std::uint8_t, float>(network, arguments[3], arguments[4])
               : run_predict<std::uint8_t, double>(network, arguments[3], arguments[4]);
    } else if (command == "train" && count == 10) {
        single ? run_train<float>(network, arguments + 3) : run_train<double>(network, arguments + 3);
        check(fastnn_network_save(network, arguments[9]), "save");
    } else {
        stop("see the head of model_tool.cpp");
    }
    fastnn_network_free(network);
    return 0;
}
