// Numbers as decimals, in the form that Python's json module writes and reads.
#ifndef FASTNN_MODEL_DECIMAL_H
#define FASTNN_MODEL_DECIMAL_H

#include <string>
#include <string_view>

namespace fastnn {

// The double nearest to a number in JSON's grammar, "-12.5e-3", of at most kMostDecimal characters; inf where it is too
// large. No locale has a say.
constexpr std::size_t kMostDecimal = 1024;
double read_decimal(std::string_view number);

// Python's repr: the fewest digits that give the same double again, "0.1", "1e-07"; "NaN", "Infinity", "-Infinity".
std::string decimal_of(double value);

}  // namespace fastnn

#endif
