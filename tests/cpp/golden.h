// The golden cases over the C++ core; see ../golden.py, whose names and functions these are.
#ifndef FASTNN_TESTS_GOLDEN_H
#define FASTNN_TESTS_GOLDEN_H

#include <algorithm>
#include <string>
#include <vector>

#include "golden_inputs.h"

namespace golden {

// A case's name, cut at the slashes: operation, dtype, sizes, options.
struct Name {
    explicit Name(const std::string& text);

    ptrdiff_t size(std::size_t i) const { return std::stol(words.at(i)); }
    double number(std::size_t i) const { return number_of(words.at(i)); }
    // The environment: reading a number rounds as the host says.
    static double number_of(const std::string& word) {
        const fastnn::FpEnvironment environment;
        return std::stod(word);
    }
    // Whether one of the words from i on is `option`.
    bool has(const std::string& option, std::size_t i) const {
        return std::find(words.begin() + static_cast<ptrdiff_t>(std::min(i, words.size())), words.end(), option) !=
               words.end();
    }

    std::string operation;
    bool is_double;
    std::vector<std::string> words;
};

// Each adds the results of a case of its family to the digest, or returns false if the operation is of another one.
bool run_layer(const Name& name, Digest& digest);
bool run_loss(const Name& name, Digest& digest);
bool run_training(const Name& name, Digest& digest);
bool run_network(const Name& name, Digest& digest);

struct Line {
    std::string name;
    std::uint64_t digest;
};

// The lines of golden.txt.
std::vector<Line> recorded();
// The case's digest; throws std::runtime_error for an operation that is not known, or for a nan.
std::uint64_t digest_of(const std::string& name);

}  // namespace golden

#endif
