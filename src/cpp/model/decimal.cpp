// Not std::from_chars and std::to_chars: libc++ has them for double only since its version 20, and where libstdc++ has
// to be linked statically they bring 60 KB of tables. strtod and snprintf depend on the locale in the decimal point
// alone. So strtod is given whole digits and an exponent, and what lies between snprintf's digits is skipped.
#include "decimal.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace fastnn {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// digits * 10^exponent
double scaled(std::string digits, long exponent) {
    digits += 'e';
    digits += std::to_string(exponent);
    return std::strtod(digits.c_str(), nullptr);
}

// value = 0.digits * 10^point
struct Digits {
    std::string digits;
    int point;
};

// The first `count` digits of a finite value > 0, rounded.
Digits rounded(double value, int count) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*e", count - 1, value);
    Digits result = {std::string(), 0};
    const char* c = text;
    for (; *c != 'e'; ++c) {
        if (is_digit(*c)) result.digits += *c;
    }
    result.point = static_cast<int>(std::strtol(c + 1, nullptr, 10)) + 1;
    return result;
}

Digits shortest(double value) {
    int exponent = 0;
    // Below a power of two the doubles lie closer than above: there the upper one of two decimals can be the one that
    // comes back, although the lower one is nearer.
    const bool is_power = std::frexp(value, &exponent) == 0.5;
    constexpr int kAlwaysEnough = 17;
    for (int count = 1; count < kAlwaysEnough; ++count) {
        Digits found = rounded(value, count);
        if (scaled(found.digits, found.point - count) == value) return found;
        if (is_power && found.digits.back() != '9') {
            ++found.digits.back();
            if (scaled(found.digits, found.point - count) == value) return found;
        }
    }
    return rounded(value, kAlwaysEnough);
}

}  // namespace

double read_decimal(std::string_view number) {
    std::string digits;
    long exponent = 0;
    bool is_fraction = false;
    std::size_t i = 0;
    for (; i < number.size() && number[i] != 'e' && number[i] != 'E'; ++i) {
        if (number[i] == '.') {
            is_fraction = true;
            continue;
        }
        digits += number[i];
        exponent -= is_fraction ? 1 : 0;
    }
    if (i < number.size()) {
        // Beyond this many it is 0 or infinite whatever the digits are.
        constexpr long kMost = 100000;
        const long given = std::strtol(std::string(number.substr(i + 1)).c_str(), nullptr, 10);
        exponent += std::max(-kMost, std::min(kMost, given));
    }
    return scaled(std::move(digits), exponent);
}

std::string decimal_of(double value) {
    if (std::isnan(value)) return "NaN";
    std::string text = std::signbit(value) ? "-" : "";
    if (std::isinf(value)) return text + "Infinity";
    if (value == 0.0) return text + "0.0";
    const Digits found = shortest(std::fabs(value));
    const int count = static_cast<int>(found.digits.size());
    if (found.point > 16 || found.point < -3) {
        text += found.digits.substr(0, 1);
        if (count > 1) text += '.' + found.digits.substr(1);
        char exponent[16];
        std::snprintf(exponent, sizeof exponent, "e%+03d", found.point - 1);
        return text + exponent;
    }
    if (found.point <= 0) {
        return text + "0." + std::string(static_cast<std::size_t>(-found.point), '0') + found.digits;
    }
    const auto whole = static_cast<std::size_t>(found.point);
    if (count <= found.point) return text + found.digits + std::string(whole - found.digits.size(), '0') + ".0";
    return text + found.digits.substr(0, whole) + '.' + found.digits.substr(whole);
}

}  // namespace fastnn
