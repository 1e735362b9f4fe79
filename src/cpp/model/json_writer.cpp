#include "decimal.h"
#include "json.h"

namespace fastnn {
namespace {

void write_unit(std::uint32_t unit, std::string& to) {
    static constexpr char kHex[] = "0123456789abcdef";
    to += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) to += kHex[(unit >> shift) & 15];
}

// The character at text[i], of valid UTF-8; i moves to the next one.
std::uint32_t next_code(std::string_view text, std::size_t& i) {
    const auto first = static_cast<unsigned char>(text[i++]);
    if (first < 0x80) return first;
    const int following = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    std::uint32_t code = first & (0x3FU >> following);
    for (int k = 0; k < following; ++k) code = (code << 6) | (static_cast<unsigned char>(text[i++]) & 0x3FU);
    return code;
}

void write_value(const Json& value, std::string& to) {
    switch (value.type) {
        case Json::Type::null:
            to += "null";
            break;
        case Json::Type::boolean:
            to += value.number != 0.0 ? "true" : "false";
            break;
        case Json::Type::integer:
            to += value.text;
            break;
        case Json::Type::real:
            to += decimal_of(value.number);
            break;
        case Json::Type::string:
            write_json_string(value.text, true, to);
            break;
        case Json::Type::array:
        case Json::Type::object: {
            const bool is_object = value.type == Json::Type::object;
            to += is_object ? '{' : '[';
            for (std::size_t i = 0; i < value.items.size(); ++i) {
                if (i > 0) to += ", ";
                if (is_object) {
                    write_json_string(value.keys[i], true, to);
                    to += ": ";
                }
                write_value(value.items[i], to);
            }
            to += is_object ? '}' : ']';
            break;
        }
    }
}

}  // namespace

void write_json_string(std::string_view value, bool ascii, std::string& to) {
    static constexpr std::string_view kSpecial = "\"\\\b\f\n\r\t", kNames = "\"\\bfnrt";
    to += '"';
    for (std::size_t i = 0; i < value.size();) {
        const std::size_t begin = i, special = kSpecial.find(value[i]);
        const std::uint32_t code = next_code(value, i);
        if (special != std::string_view::npos) {
            to += '\\';
            to += kNames[special];
        } else if (code >= 0x10000 && ascii) {
            write_unit(0xD800 + ((code - 0x10000) >> 10), to);
            write_unit(0xDC00 + ((code - 0x10000) & 0x3FF), to);
        } else if (code < 0x20 || (code > 0x7E && ascii)) {
            write_unit(code, to);
        } else {
            to += value.substr(begin, i - begin);
        }
    }
    to += '"';
}

std::string write_json(const Json& value) {
    std::string text;
    write_value(value, text);
    return text;
}

}  // namespace fastnn
