// JSON and decimals, held against the standard library's conversions and Python's forms.
#include <doctest/doctest.h>

#include <charconv>
#include <clocale>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "golden_inputs.h"
#include "model/decimal.h"
#include "model/failure.h"
#include "model/json.h"

namespace {

using fastnn::Json;
using fastnn::parse_json;
using fastnn::write_json;

bool is_refused(std::string_view text) {
    try {
        parse_json(text);
    } catch (const fastnn::Failure& failure) {
        return failure.status == FASTNN_BAD_FILE;
    }
    return false;
}

std::string again(std::string_view text) { return write_json(parse_json(text)); }

double from_bits(std::uint64_t bits) {
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

// The digits of a decimal without leading and trailing zeros, and the power of ten of the first one.
std::pair<std::string, int> digits_of(const std::string& decimal) {
    std::string digits;
    int point = 0, exponent = 0;
    bool is_fraction = false;
    for (std::size_t i = 0; i < decimal.size(); ++i) {
        const char c = decimal[i];
        if (c == 'e') {
            exponent = std::stoi(decimal.substr(i + 1));
            break;
        }
        if (c == '.') is_fraction = true;
        if (c < '0' || c > '9') continue;
        if (digits.empty() && c == '0') {
            point -= is_fraction ? 1 : 0;
            continue;
        }
        digits += c;
        point += is_fraction ? 0 : 1;
    }
    digits.erase(digits.find_last_not_of('0') + 1);
    return {digits, point + exponent};
}

void check_decimal(double value) {
    const std::string decimal = fastnn::decimal_of(value);
    CAPTURE(decimal);
    CHECK(fastnn::read_decimal(decimal[0] == '-' ? decimal.substr(1) : decimal) == std::fabs(value));
    char expected[64];
    const std::to_chars_result result =
        std::to_chars(expected, expected + sizeof expected, value, std::chars_format::scientific);
    CHECK(digits_of(decimal) == digits_of(std::string(expected, result.ptr)));
}

void check_decimals(int count) {
    for (int exponent = 0; exponent < 2047; ++exponent) {
        const auto power = static_cast<std::uint64_t>(exponent) << 52;
        for (const std::uint64_t offset : {-1, 0, 1}) {
            const double value = from_bits(power + offset);
            if (std::isfinite(value) && value != 0.0) check_decimal(value);
        }
    }
    for (int i = 0; i < count; ++i) {
        const double value = from_bits(golden::word(1, i));
        if (std::isfinite(value)) check_decimal(value);
        check_decimal(static_cast<double>(golden::narrowed<float>(golden::positive<double>(2, 1, i + 1)[0])));
        check_decimal(static_cast<double>(golden::word(3, i) % 1000000) / 1000.0 + 1e-9);
    }
}

}  // namespace

TEST_CASE("decimals are Python's repr") {
    for (const auto& [value, repr] :
         std::initializer_list<std::pair<double, const char*>>{{0.0, "0.0"},
                                                               {-0.0, "-0.0"},
                                                               {1.0, "1.0"},
                                                               {-1.5, "-1.5"},
                                                               {100.0, "100.0"},
                                                               {0.1, "0.1"},
                                                               {1e-4, "0.0001"},
                                                               {1.5e-4, "0.00015"},
                                                               {1e-5, "1e-05"},
                                                               {1.25e-7, "1.25e-07"},
                                                               {123456789012345.0, "123456789012345.0"},
                                                               {1e15, "1000000000000000.0"},
                                                               {9007199254740993.0, "9007199254740992.0"},
                                                               {1e16, "1e+16"},
                                                               {1.5e16, "1.5e+16"},
                                                               {1e22, "1e+22"},
                                                               {1e100, "1e+100"},
                                                               {1e-300, "1e-300"},
                                                               {5e-324, "5e-324"},
                                                               {2.2250738585072014e-308, "2.2250738585072014e-308"},
                                                               {1.7976931348623157e308, "1.7976931348623157e+308"},
                                                               {0x1p-44, "5.684341886080802e-14"},
                                                               {1.0 / 255.0, "0.00392156862745098"},
                                                               {std::numeric_limits<double>::infinity(), "Infinity"},
                                                               {-std::numeric_limits<double>::infinity(), "-Infinity"},
                                                               {std::numeric_limits<double>::quiet_NaN(), "NaN"}}) {
        CHECK(fastnn::decimal_of(value) == repr);
    }
    check_decimals(3000);
}

TEST_CASE("decimals are read as the standard library reads them") {
    for (const char* const text :
         {"0", "1", "12.5", "1e5", "1E+5", "1e-5", "0.1", "1e400", "1e-400", "123456789012345678901234567890", "0.1e1",
          "2.2250738585072011e-308", "9007199254740993", "9007199254740992.99999999999999999999999999",
          "1e99999999999999", "0.000000000000000000000000000000000000000000000000001e51",
          "179769313486231580793728971405301e276"}) {
        double expected = 0.0;
        const std::from_chars_result result = std::from_chars(text, text + std::strlen(text), expected);
        if (result.ec == std::errc::result_out_of_range) {
            expected = std::strchr(text, '-') != nullptr ? 0.0 : std::numeric_limits<double>::infinity();
        }
        CAPTURE(text);
        CHECK(fastnn::read_decimal(text) == expected);
    }
}

TEST_CASE("no locale changes a decimal") {
    const std::string before = std::setlocale(LC_ALL, nullptr);
    bool found = false;
    for (const char* const name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "ps_AF.UTF-8"}) {
        if (std::setlocale(LC_ALL, name) == nullptr) continue;
        found = true;
        check_decimals(100);
        CHECK(fastnn::decimal_of(1.5) == "1.5");
        CHECK(fastnn::read_decimal("1.5") == 1.5);
    }
    std::setlocale(LC_ALL, before.c_str());
    if (!found) MESSAGE("left out: this system has no locale with a decimal comma");
}

TEST_CASE("what Python writes comes out again") {
    for (const char* const text :
         {"null", "true", "false", "0", "-1", "1.5", "-0.0", "1e-07", "NaN", "Infinity", "-Infinity", "[]", "{}",
          "[1, [2, []], {\"a\": null}]", "{\"a\": 1, \"b\": {\"c\": \"d\"}}", "\"\"",
          "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u007f\"", "\"\\u00e4\\u2603\\ud83d\\ude00\"",
          "162711158235238882831625560801502228077432"}) {
        CHECK(again(text) == text);
    }
    CHECK(again(" { \"b\" : 1 ,\n\t\"a\":[ ] } \r\n") == "{\"a\": [], \"b\": 1}");
    CHECK(again("\"\xC3\xA4\xE2\x98\x83\xF0\x9F\x98\x80/\\/\"") == "\"\\u00e4\\u2603\\ud83d\\ude00//\"");
    CHECK(again("[-0, 1E5, 1.50, 1e400]") == "[0, 100000.0, 1.5, Infinity]");
    // Ordered by code points, as in Python.
    CHECK(again("{\"\\ud83d\\ude00\": 1, \"\\uffff\": 2, \"a\": 3}") ==
          "{\"a\": 3, \"\\uffff\": 2, \"\\ud83d\\ude00\": 1}");
}

TEST_CASE("what is no JSON is refused") {
    for (const std::string_view text :
         {"", " ", "nul", "nullx", "tr", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "1 2", "[", "[1", "[1,",
          "[1,]", "[,1]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{1:1}",
          "{\"a\" 1}", "]", "}", "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "'a'", "nan", "inf",
          "-NaN", "--1", "[1}", "{]",
          // Half a surrogate pair, a control character, a key twice.
          "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83d\\u0041\"", "\"\\ud83dx\"", "\"\n\"", "{\"a\":1,\"a\":1}",
          "{\"b\":1,\"a\":1,\"\\u0062\":2}",
          // Bytes that are no UTF-8: alone, cut, overlong, surrogates, too large.
          "\"\x80\"", "\"\xC3\"", "\"\xC3", "\"\xE2\x98\"", "\"\xC0\x80\"", "\"\xC1\xBF\"", "\"\xE0\x80\x80\"",
          "\"\xED\xA0\x80\"", "\"\xF0\x80\x80\x80\"", "\"\xF4\x90\x80\x80\"", "\"\xF5\x80\x80\x80\"", "\"\xFF\"",
          "\"\xF0\x9F\x98"}) {
        CAPTURE(text);
        CHECK(is_refused(text));
    }
    CHECK(is_refused(std::string_view("\0", 1)));
    CHECK(is_refused(std::string_view("1\0", 2)));
    CHECK(is_refused(std::string_view("\"a\0\"", 4)));
    CHECK(is_refused(std::string(1025, '1')));
    CHECK(!is_refused(std::string(1024, '1')));
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    CHECK(!is_refused(nested(64)));
    CHECK(is_refused(nested(65)));
    CHECK(is_refused(std::string(1000000, '[')));
}

TEST_CASE("members of objects") {
    Json object = parse_json("{\"b\": 2, \"a\": \"x\"}");
    CHECK(object.find("a")->is("x"));
    CHECK(object.find("c") == nullptr);
    object.set("c", Json::integer(3));
    object.set("a", Json::real(0.5));
    object.remove("b");
    object.remove("none");
    CHECK(write_json(object) == "{\"a\": 0.5, \"c\": 3}");
    std::int64_t value = 0;
    CHECK(parse_json("9223372036854775807").read(value));
    CHECK(value == std::numeric_limits<std::int64_t>::max());
    CHECK(!parse_json("9223372036854775808").read(value));
    CHECK(!parse_json("1.0").read(value));
    CHECK(!parse_json("true").read(value));
}
