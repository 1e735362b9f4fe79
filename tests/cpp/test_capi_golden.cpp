// The bits that Python has, through the C interface: golden cases, and a host with a rounding of its own.
#include <doctest/doctest.h>

#include <cfenv>
#include <string>
#include <vector>

#include "capi.h"
#include "core/activation.h"
#include "golden.h"

namespace {

using namespace capi;

bool has_promised_bits() { return std::string(fastnn_isa()) != "generic"; }

fastnn_activation kind_of(const std::string& name) {
    fastnn_activation kind = 0;
    while (name != fastnn::kind_name(static_cast<fastnn::Kind>(kind))) ++kind;
    return kind;
}

template <class T>
void dense(const golden::Name& name, golden::Digest& digest) {
    const std::int64_t batch = name.size(0), inputs = name.size(1), outputs = name.size(2);
    const std::string& word = name.words.at(3);
    const std::size_t equals = word.find('=');
    const fastnn_activation kind = kind_of(word.substr(0, equals));
    const double parameter = equals == std::string::npos ? fastnn_activation_default(kind)
                                                         : golden::Name::number_of(word.substr(equals + 1));
    const auto x = golden::centred<T>(1, batch * inputs, 4), w = golden::centred<T>(2, inputs * outputs, 1);
    const auto bias = golden::centred<T>(3, outputs, 1);
    const T* const b = name.has("nobias", 4) ? nullptr : bias.data();
    std::vector<T> y(static_cast<std::size_t>(batch * outputs)), z(y);
    if (name.has("packed", 4)) {
        std::vector<T> packed(Api<T>::packed_dense_bytes(inputs, outputs) / sizeof(T));
        REQUIRE(Api<T>::pack_dense(inputs, outputs, w.data(), 0, packed.data()) == FASTNN_OK);
        REQUIRE(Api<T>::packed_dense(batch, inputs, outputs, x.data(), packed.data(), b, kind, parameter, y.data(),
                                     nullptr, 0) == FASTNN_OK);
    } else {
        REQUIRE(Api<T>::dense(batch, inputs, outputs, x.data(), w.data(), 0, b, kind, parameter, y.data(),
                              name.has("z", 4) ? z.data() : nullptr, nullptr, 0) == FASTNN_OK);
    }
    digest.add(y);
    if (name.has("z", 4)) digest.add(z);
}

template <class T>
void softmax(const golden::Name& name, golden::Digest& digest) {
    const std::int64_t rows = name.size(0), classes = name.size(1);
    const auto x = golden::logits<T>(1, rows, classes, name.words.at(2));
    std::vector<T> y(x.size());
    REQUIRE(Api<T>::softmax(rows, classes, x.data(), y.data(), nullptr, 0) == FASTNN_OK);
    digest.add(y);
}

// What a caller's number becomes, and a result that is narrowed at the end.
template <class T>
std::vector<T> roundings() {
    const auto z = golden::centred<T>(1, 70, 4);
    const std::vector<std::int64_t> targets = golden::indices(2, 10, 7);
    std::vector<T> result(z.size());
    CHECK(Api<T>::activation(70, z.data(), FASTNN_LEAKY_RELU, 0.1, result.data()) == FASTNN_OK);
    T losses[3] = {};
    CHECK(Api<T>::cross_entropy(10, 7, z.data(), targets.data(), nullptr, nullptr, -100, 0.1, FASTNN_MEAN, losses,
                                nullptr, 0) == FASTNN_OK);
    CHECK(Api<T>::loss(10, 7, z.data(), result.data(), nullptr, FASTNN_HUBER, 0.1, FASTNN_MEAN, losses + 1, nullptr,
                       0) == FASTNN_OK);
    const std::int64_t size = 70;
    const T* const x = z.data();
    double norm = 0;
    CHECK(Api<T>::global_norm(1, &size, &x, &norm, nullptr, 0) == FASTNN_OK);
    losses[2] = golden::narrowed<T>(norm);
    result.insert(result.end(), losses, losses + 3);
    return result;
}

}  // namespace

TEST_CASE("C interface: golden cases") {
    if (!has_promised_bits()) {
        MESSAGE("left out: the generic build promises no bits");
        return;
    }
    int cases = 0;
    for (const golden::Line& line : golden::recorded()) {
        const golden::Name name(line.name);
        golden::Digest digest;
        if (name.operation == "dense") {
            name.is_double ? dense<double>(name, digest) : dense<float>(name, digest);
        } else if (name.operation == "softmax") {
            name.is_double ? softmax<double>(name, digest) : softmax<float>(name, digest);
        } else {
            continue;
        }
        CAPTURE(line.name);
        CHECK(digest.value() == line.digest);
        ++cases;
    }
    CHECK(cases > 20);
}

TEST_CASE("C interface: the host's rounding does not matter") {
    const auto floats = roundings<float>();
    const auto doubles = roundings<double>();
    const int before = std::fegetround();
    for (const int rounding : {FE_UPWARD, FE_DOWNWARD}) {
        CAPTURE(rounding);
        std::fesetround(rounding);
        const auto other_floats = roundings<float>();
        const auto other_doubles = roundings<double>();
        CHECK(std::fegetround() == rounding);
        std::fesetround(before);
        CHECK(other_floats == floats);
        CHECK(other_doubles == doubles);
    }
}
