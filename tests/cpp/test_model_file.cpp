// Models in memory and in files: what is written is read, and whatever does not fit is refused.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#if !defined(_WIN32)
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

#include "model/failure.h"
#include "model/files.h"
#include "model/model.h"
#include "networks.h"

namespace {

using fastnn::Json;
using fastnn::Model;
using fastnn::ModelFile;

std::string saved(const fastnn_network* network) {
    std::size_t size = 0;
    REQUIRE(fastnn_network_save_memory(network, nullptr, 0, &size) == FASTNN_BAD_SIZE);
    std::string bytes(size, '\0');
    REQUIRE(fastnn_network_save_memory(network, &bytes[0], size, &size) == FASTNN_OK);
    return bytes;
}

fastnn_status status_of(const std::string& bytes) {
    const std::vector<char> exact(bytes.begin(), bytes.end());
    fastnn_network* network = nullptr;
    const fastnn_status status = fastnn_network_load_memory(exact.data(), exact.size(), &network);
    CHECK((network != nullptr) == (status == FASTNN_OK));
    fastnn_network_free(network);
    return status;
}

std::string trained_file() {
    const NetworkPointer network =
        make_network(FASTNN_F32, 3, {stage_of(FASTNN_DENSE, 4, FASTNN_TANH), stage_of(FASTNN_DENSE, 2)});
    fastnn_training training;
    REQUIRE(fastnn_training_defaults(&training, sizeof training, FASTNN_LOSS_MSE, FASTNN_ADAM) == FASTNN_OK);
    REQUIRE(fastnn_network_compile(network.get(), &training) == FASTNN_OK);
    const std::vector<float> x(6, 0.5f), y(4, 1.0f);
    REQUIRE(fastnn_network_train_step_f32(network.get(), 2, x.data(), y.data(), nullptr, nullptr, 0.01, nullptr) ==
            FASTNN_OK);
    return saved(network.get());
}

// The file with another document and other arrays, and a checksum that fits.
std::string changed(const std::string& file, const std::function<void(ModelFile&)>& change) {
    ModelFile contents = fastnn::read_model_file(file.data(), file.size());
    change(contents);
    return fastnn::write_model_file(contents.document, contents.tensors.list);
}

// A place in a document, made of nested keys.
void set(Json& document, const std::vector<std::string>& path, const char* value, std::size_t depth = 0) {
    if (depth + 1 == path.size()) {
        value == nullptr ? document.remove(path[depth]) : document.set(path[depth], fastnn::parse_json(value));
        return;
    }
    Json inner = *document.find(path[depth]);
    set(inner, path, value, depth + 1);
    document.set(path[depth], inner);
}

std::string with(const std::string& file, const std::vector<std::string>& path, const char* value) {
    return changed(file, [&](ModelFile& contents) { set(contents.document, path, value); });
}

}  // namespace

TEST_CASE("what is saved is loaded as the same") {
    for (const fastnn_dtype dtype : {FASTNN_F32, FASTNN_F64}) {
        for (const auto& stages : some_networks()) {
            const NetworkPointer network = make_network(dtype, 6, stages);
            REQUIRE(network != nullptr);
            const std::string file = saved(network.get());
            fastnn_network* again = nullptr;
            REQUIRE(fastnn_network_load_memory(file.data(), file.size(), &again) == FASTNN_OK);
            CHECK(saved(again) == file);
            fastnn_network_free(again);
        }
    }
}

TEST_CASE("cut and mutated models are refused") {
    const std::string file = trained_file();
    CHECK(status_of(file) == FASTNN_OK);
    for (std::size_t size = 0; size < file.size(); size += size < 64 ? 1 : 13) {
        CHECK(status_of(file.substr(0, size)) == FASTNN_BAD_FILE);
    }
    int refused = 0;
    for (std::size_t i = 0; i < file.size(); ++i) {
        std::string other = file;
        other[i] = static_cast<char>(other[i] ^ (1 << (i % 8)));
        const fastnn_status status = status_of(other);
        refused += status == FASTNN_BAD_FILE ? 1 : 0;
    }
    // Nearly all: a space between two words may become another kind of white space.
    CHECK(refused > static_cast<int>(file.size()) - 8);
}

TEST_CASE("documents that do not fit are refused") {
    const std::string file = trained_file();
    CHECK(status_of(with(file, {"note"}, "1")) == FASTNN_OK);
    CHECK(status_of(with(file, {"compile"}, "null")) == FASTNN_OK);
    CHECK(status_of(with(file, {"compile", "loss"}, "null")) == FASTNN_OK);
    CHECK(status_of(with(file, {"compile", "optimizer", "config", "learning_rate"},
                         "{\"class_name\": \"Own\", \"config\": {}}")) == FASTNN_OK);
    struct Change {
        std::vector<std::string> path;
        const char* value;  // null: taken away
    };
    for (const Change& change : std::initializer_list<Change>{
             {{"compile"}, nullptr},
             {{"compile"}, "1"},
             {{"compile"}, "{}"},
             {{"model"}, nullptr},
             {{"model", "dtype"}, "\"float64x\""},
             {{"model", "layers"}, "[]"},
             {{"model", "layers"}, "{}"},
             {{"model", "more"}, "1"},
             {{"random"}, nullptr},
             {{"variables"}, nullptr},
             {{"variables"}, "[]"},
             {{"variables"}, "[\"dense/kernel\", \"dense/kernel\", \"dense_1/kernel\", \"dense_1/bias\"]"},
             {{"compile", "iterations"}, "-1"},
             {{"compile", "iterations"}, "140737488355328"},
             {{"compile", "iterations"}, "1.0"},
             {{"compile", "dropout_seed"}, "9007199254740992"},
             {{"compile", "dropout_seed"}, "null"},
             {{"compile", "more"}, "1"},
             {{"compile", "loss", "class_name"}, "\"Loss\""},
             {{"compile", "loss", "config", "reduction"}, "\"mean\""},
             {{"compile", "loss", "config", "delta"}, "1.0"},
             {{"compile", "optimizer"}, "null"},
             {{"compile", "optimizer", "class_name"}, "\"adam\""},
             {{"compile", "optimizer", "config", "beta_1"}, "1.0"},
             {{"compile", "optimizer", "config", "beta_2"}, "NaN"},
             {{"compile", "optimizer", "config", "epsilon"}, "-1e-7"},
             {{"compile", "optimizer", "config", "epsilon"}, "Infinity"},
             {{"compile", "optimizer", "config", "weight_decay"}, "-1"},
             {{"compile", "optimizer", "config", "clipnorm"}, "0.0"},
             {{"compile", "optimizer", "config", "learning_rate"}, "null"},
             {{"compile", "optimizer", "config", "learning_rate"}, "-0.1"},
             {{"compile", "optimizer", "config", "learning_rate"}, "\"fast\""},
             {{"compile", "optimizer", "config", "momentum"}, "0.5"}}) {
        CAPTURE(change.path.back());
        CHECK(status_of(with(file, change.path, change.value)) == FASTNN_BAD_MODEL);
    }
    const std::string clipped = with(file, {"compile", "optimizer", "config", "clipnorm"}, "1.0");
    CHECK(status_of(clipped) == FASTNN_OK);
    CHECK(status_of(with(clipped, {"compile", "optimizer", "config", "clipvalue"}, "1.0")) == FASTNN_BAD_MODEL);
}

TEST_CASE("arrays that do not fit are refused") {
    const std::string file = trained_file();
    const auto without = [&](std::size_t i) {
        return changed(file, [&](ModelFile& contents) {
            contents.tensors.list.erase(contents.tensors.list.begin() + static_cast<std::ptrdiff_t>(i));
        });
    };
    const std::size_t count = fastnn::read_model_file(file.data(), file.size()).tensors.list.size();
    CHECK(count == 14);
    for (std::size_t i = 0; i < count; ++i) CHECK(status_of(without(i)) == FASTNN_BAD_MODEL);
    CHECK(status_of(changed(file, [](ModelFile& contents) {
              for (auto& tensor : contents.tensors.list) tensor.shape.push_back(1);
          })) == FASTNN_BAD_MODEL);
    const float wrong[2] = {1e3f, -1e3f};
    CHECK(status_of(changed(file, [&](ModelFile& contents) {
              for (auto& tensor : contents.tensors.list) {
                  if (tensor.name == "example/y") tensor.data = reinterpret_cast<const unsigned char*>(wrong);
              }
          })) == FASTNN_WRONG_RESULT);
}

#if !defined(_WIN32)

namespace {

// A folder that goes with what is in it.
class Folder {
   public:
    Folder() {
        char name[] = "/tmp/fastnn_test_XXXXXX";
        REQUIRE(mkdtemp(name) != nullptr);
        path = name;
    }
    ~Folder() {
        for (const std::string& name : names()) std::remove((path + '/' + name).c_str());
        rmdir(path.c_str());
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::vector<std::string> names() const {
        std::vector<std::string> found;
        DIR* const directory = opendir(path.c_str());
        while (const dirent* const entry = readdir(directory)) {
            if (entry->d_name[0] != '.') found.emplace_back(entry->d_name);
        }
        closedir(directory);
        return found;
    }
    std::string path;
};

fastnn_status failure_of(const std::function<void()>& f) {
    try {
        f();
    } catch (const fastnn::Failure& failure) {
        return failure.status;
    }
    return FASTNN_OK;
}

}  // namespace

TEST_CASE("files are written whole or not at all") {
    const Folder folder;
    const std::string path = folder.path + "/file", large(300000, 'a');
    for (const std::string& contents : {std::string("first"), std::string(), large, std::string(65536, 'b')}) {
        fastnn::write_file(path.c_str(), contents);
        CHECK(fastnn::read_file(path.c_str()) == contents);
        CHECK(folder.names() == std::vector<std::string>{"file"});
    }
    // A folder in the way of the new name: nothing is left behind.
    const std::string directory = folder.path + "/directory";
    REQUIRE(mkdir(directory.c_str(), 0700) == 0);
    CHECK(failure_of([&] { fastnn::write_file(directory.c_str(), "x"); }) == FASTNN_CANNOT_READ);
    CHECK(folder.names().size() == 2);
    REQUIRE(rmdir(directory.c_str()) == 0);
    CHECK(failure_of([&] { fastnn::write_file((folder.path + "/none/file").c_str(), "x"); }) == FASTNN_CANNOT_READ);
    CHECK(failure_of([&] { fastnn::read_file((folder.path + "/none").c_str()); }) == FASTNN_CANNOT_READ);
    CHECK(failure_of([&] { fastnn::read_file(folder.path.c_str()); }) == FASTNN_CANNOT_READ);
    // A symbolic link stays one.
    const std::string link = folder.path + "/link";
    REQUIRE(symlink(path.c_str(), link.c_str()) == 0);
    fastnn::write_file(link.c_str(), "linked");
    CHECK(fastnn::read_file(path.c_str()) == "linked");
    struct stat status;
    REQUIRE(lstat(link.c_str(), &status) == 0);
    CHECK(S_ISLNK(status.st_mode));
}

TEST_CASE("networks in files") {
    const Folder folder;
    const std::string path = folder.path + "/model";
    const NetworkPointer network = make_network(FASTNN_F64, 6, some_networks()[0]);
    REQUIRE(fastnn_network_save(network.get(), path.c_str()) == FASTNN_OK);
    CHECK(fastnn::read_file(path.c_str()) == saved(network.get()));
    fastnn_network* again = nullptr;
    REQUIRE(fastnn_network_load(path.c_str(), &again) == FASTNN_OK);
    CHECK(saved(again) == saved(network.get()));
    fastnn_network_free(again);
    CHECK(fastnn_network_save(network.get(), folder.path.c_str()) == FASTNN_CANNOT_READ);
    CHECK(fastnn_network_load((path + "x").c_str(), &again) == FASTNN_CANNOT_READ);
    CHECK(again == nullptr);
}

#endif
