// From the layers of a document to the stages of a network, and what is refused.
#include <doctest/doctest.h>

#include <string>

#include "model/architecture.h"
#include "model/failure.h"
#include "model/json.h"

namespace {

using fastnn::Architecture;
using fastnn::Kind;
using fastnn::LastOperation;
using fastnn::Operation;

std::string layer(const std::string& name, const std::string& config) {
    static int number = 0;
    const std::string unique = "\"name\": \"l" + std::to_string(number++) + "\"";
    return "{\"class_name\": \"" + name + "\", \"config\": {" + unique + (config.empty() ? "" : ", " + config) + "}}";
}

Architecture read(const std::string& shape, const std::string& layers, const std::string& dtype = "float32") {
    return fastnn::read_architecture(fastnn::parse_json("{\"name\": \"n\", \"dtype\": \"" + dtype +
                                                        "\", \"input_shape\": " + shape + ", \"layers\": [" + layers +
                                                        "]}"));
}

bool is_refused(const std::string& shape, const std::string& layers, const std::string& dtype = "float32") {
    try {
        read(shape, layers, dtype);
    } catch (const fastnn::Failure& failure) {
        return failure.status == FASTNN_BAD_MODEL;
    }
    return false;
}

// The kind and parameter that an activation of a dense layer becomes.
void check_activation(const std::string& saved, Kind kind, double parameter) {
    CAPTURE(saved);
    const Architecture found = read("[2]", layer("Dense", "\"units\": 3, \"activation\": " + saved));
    REQUIRE(found.stages.size() == 1);
    CHECK(found.stages[0].kind == kind);
    CHECK(found.stages[0].parameter == parameter);
}

}  // namespace

TEST_CASE("stages, variables and keys") {
    const std::string layers =
        layer("InputLayer", "\"input_shape\": [2, 3]") + "," + layer("Flatten", "") + "," +
        layer("Rescaling", "\"scale\": 0.5, \"offset\": 1") + "," +
        layer("Dense",
              "\"units\": 7, \"activation\": \"relu\", \"use_bias\": true, \"kernel_regularizer\": {\"class_name\": "
              "\"L2\", \"config\": {\"l2\": 0.25}}, \"bias_regularizer\": {\"class_name\": \"L1L2\", \"config\": "
              "{\"l1\": "
              "0.5, \"l2\": 2}}, \"kernel_initializer\": {}, \"bias_initializer\": null") +
        "," + layer("Dropout", "\"rate\": 0.25") + "," + layer("PReLU", "\"shared_axes\": [1]") + "," +
        layer("Dense", "\"units\": 2, \"use_bias\": false, \"activation\": \"softmax\"");
    const Architecture found = read("[2, 3]", layers, "float64");
    CHECK(found.dtype == FASTNN_F64);
    CHECK(found.rescales);
    CHECK(found.scale == 0.5);
    CHECK(found.offset == 1.0);
    CHECK(found.last == LastOperation::softmax);
    CHECK(found.output_shape == fastnn::Shape{2});
    REQUIRE(found.stages.size() == 5);
    CHECK(found.stages[0].operation == Operation::dense);
    CHECK(found.stages[0].outputs == 7);
    CHECK(found.stages[0].has_bias);
    CHECK(found.stages[1].operation == Operation::dropout);
    CHECK(found.stages[1].rate == 0.25);
    // The places of Flatten and Rescaling count, as in Python.
    CHECK(found.stages[1].key == 3);
    CHECK(found.stages[2].shared);
    CHECK(!found.stages[3].has_bias);
    CHECK(found.stages[4].operation == Operation::softmax);
    REQUIRE(found.variables.size() == 4);
    CHECK(found.variables[0].shape == fastnn::Shape{6, 7});
    CHECK(found.variables[0].penalty.l2 == 0.25);
    CHECK(found.variables[0].penalty.l1 == 0.0);
    CHECK(found.variables[1].penalty.l1 == 0.5);
    CHECK(found.variables[1].penalty.l2 == 2.0);
    CHECK(found.variables[2].shape == fastnn::Shape{1});
    CHECK(found.variables[3].shape == fastnn::Shape{7, 2});
}

TEST_CASE("activations as they are saved") {
    check_activation("null", Kind::identity, 0.0);
    check_activation("\"linear\"", Kind::identity, 0.0);
    check_activation("\"relu\"", Kind::relu, 0.0);
    check_activation("\"silu\"", Kind::swish, 1.0);
    check_activation("\"hard_silu\"", Kind::hard_swish, 0.0);
    check_activation("\"leaky_relu\"", Kind::leaky_relu, 0.2);
    check_activation("\"exponential\"", Kind::exponential, 0.0);
    check_activation("{\"class_name\": \"LeakyReLU\", \"config\": {\"negative_slope\": 0.3}}", Kind::leaky_relu, 0.3);
    check_activation("{\"class_name\": \"CELU\", \"config\": {\"alpha\": -2}}", Kind::celu, -2.0);
    check_activation("{\"class_name\": \"Softplus\", \"config\": {\"beta\": 0.5}}", Kind::softplus, 0.5);
    check_activation("{\"class_name\": \"ELU\", \"config\": {}}", Kind::elu, 1.0);
    for (const auto& [layers, kind, parameter] : std::initializer_list<std::tuple<std::string, Kind, double>>{
             {layer("ReLU", "\"max_value\": null, \"negative_slope\": 0.0"), Kind::relu, 0.0},
             {layer("ReLU", "\"max_value\": 6.0, \"negative_slope\": 0.0"), Kind::relu6, 0.0},
             {layer("ReLU", "\"negative_slope\": 0.125"), Kind::leaky_relu, 0.125},
             {layer("LeakyReLU", ""), Kind::leaky_relu, 0.3},
             {layer("ELU", "\"alpha\": 0.5"), Kind::elu, 0.5},
             {layer("Activation", "\"activation\": \"gelu\""), Kind::gelu, 0.0}}) {
        const Architecture found = read("[2, 2]", layers);
        REQUIRE(found.stages.size() == 1);
        CHECK(found.stages[0].operation == Operation::activation);
        CHECK(found.stages[0].outputs == 4);
        CHECK(found.stages[0].kind == kind);
        CHECK(found.stages[0].parameter == parameter);
    }
}

TEST_CASE("what a loss may take over") {
    const std::string sigmoid = layer("Dense", "\"units\": 1, \"activation\": \"sigmoid\"");
    CHECK(read("[2]", sigmoid).last == LastOperation::sigmoid);
    CHECK(read("[2]", sigmoid + "," + layer("Flatten", "")).last == LastOperation::other);
    CHECK(read("[2]", layer("Softmax", "\"axis\": -1")).last == LastOperation::softmax);
    CHECK(read("[2]", layer("Softmax", "\"axis\": 1") + "," + layer("Dropout", "\"rate\": 0.5")).last ==
          LastOperation::other);
    CHECK(read("[2]", layer("Activation", "\"activation\": \"softmax\"")).last == LastOperation::softmax);
    CHECK(read("[2]", layer("Rescaling", "\"scale\": 2.0")).stages.empty());
}

TEST_CASE("what is no network, or none that is computed here, is refused") {
    const std::string dense = layer("Dense", "\"units\": 3");
    CHECK(!is_refused("[2]", dense));
    CHECK(is_refused("[2]", dense, "int8"));
    CHECK(is_refused("[2]", ""));
    for (const char* const shape : {"[]", "[0]", "[-1]", "[2.0]", "null", "2", "[null]", "[2, 2]", "[1e3]", "[true]",
                                    "[72057594037927937]", "[4294967296, 4294967296]", "[100000000000000000000]"}) {
        CAPTURE(shape);
        CHECK(is_refused(shape, dense));
    }
    std::string axes = "[1";
    for (int i = 0; i < 60; ++i) axes += ", 1";
    CHECK(is_refused(axes + "]", layer("Flatten", "")));
    for (const std::string& bad :
         {layer("Conv2D", ""),
          layer("Dense", ""),
          layer("Dense", "\"units\": 0"),
          layer("Dense", "\"units\": 1.0"),
          layer("Dense", "\"units\": 72057594037927936"),
          layer("Dense", "\"units\": 3, \"colour\": 1"),
          layer("Dense", "\"units\": 3, \"activation\": \"sin\""),
          layer("Dense", "\"units\": 3, \"activation\": 1"),
          layer("Dense", "\"units\": 3, \"use_bias\": 1"),
          layer("Dense", "\"units\": 3, \"input_shape\": [3]"),
          layer("Dense", "\"units\": 3, \"kernel_regularizer\": \"l2\""),
          layer("Dense", "\"units\": 3, \"kernel_regularizer\": {\"class_name\": \"L3\", \"config\": {}}"),
          layer("Dense", "\"units\": 3, \"kernel_regularizer\": {\"class_name\": \"L2\", \"config\": {\"l2\": -1}}"),
          layer("Dense", "\"units\": 3, \"kernel_regularizer\": {\"class_name\": \"L2\", \"config\": {\"l1\": 1}}"),
          layer("Dense", "\"units\": 3, \"activation\": {\"class_name\": \"CELU\", \"config\": {\"alpha\": 0}}"),
          layer("Dense", "\"units\": 3, \"activation\": {\"class_name\": \"Softplus\", \"config\": {\"beta\": -1}}"),
          layer("Dense", "\"units\": 3, \"activation\": {\"class_name\": \"Swish\", \"config\": {\"beta\": Infinity}}"),
          layer("Dropout", ""),
          layer("Dropout", "\"rate\": 1.5"),
          layer("Dropout", "\"rate\": NaN"),
          layer("Dropout", "\"rate\": \"0.5\""),
          layer("Softmax", "\"axis\": 0"),
          layer("Softmax", "\"axis\": 2"),
          layer("PReLU", "\"shared_axes\": [2]"),
          layer("PReLU", "\"shared_axes\": [1, 2]"),
          layer("Rescaling", ""),
          layer("ReLU", "\"max_value\": 5.0"),
          layer("ReLU", "\"max_value\": 6.0, \"negative_slope\": 0.1"),
          layer("LeakyReLU", "\"negative_slope\": -0.1"),
          layer("ELU", "\"alpha\": NaN"),
          layer("Activation", "\"x\": null"),
          dense + "," + layer("InputLayer", "\"input_shape\": [3]"),
          layer("InputLayer", ""),
          layer("InputLayer", "\"input_shape\": [4]"),
          std::string("{\"class_name\": \"Flatten\"}"),
          std::string("{\"class_name\": \"Flatten\", \"config\": {}}"),
          std::string("{\"class_name\": \"Flatten\", \"config\": {\"name\": \"\"}}"),
          std::string("{\"class_name\": \"Flatten\", \"config\": {\"name\": 1}}"),
          std::string("{\"class_name\": \"Flatten\", \"config\": {\"name\": \"x\"}, \"more\": 1}"),
          std::string("[]"),
          std::string("null")}) {
        CAPTURE(bad);
        CHECK(is_refused("[2]", bad));
    }
    // Twice one name.
    const std::string once = layer("Flatten", "");
    CHECK(!is_refused("[2]", once));
    CHECK(is_refused("[2]", once + "," + once));
    // Several axes: only what works on each number.
    for (const char* const name : {"Softmax", "PReLU"}) CHECK(is_refused("[2, 2]", layer(name, "")));
    CHECK(!is_refused("[2, 2]", layer("Dropout", "\"rate\": 0.5") + "," + layer("Rescaling", "\"scale\": 1.0")));
}
