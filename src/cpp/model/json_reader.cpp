#include <algorithm>
#include <numeric>

#include "decimal.h"
#include "failure.h"
#include "json.h"

namespace fastnn {
namespace {

constexpr int kDeepest = 64;

void append_utf8(std::uint32_t code, std::string& to) {
    if (code < 0x80) {
        to += static_cast<char>(code);
        return;
    }
    const int following = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    const std::uint32_t marks[] = {0, 0xC0, 0xE0, 0xF0};
    to += static_cast<char>(marks[following] | (code >> (6 * following)));
    for (int i = following - 1; i >= 0; --i) to += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F));
}

// Puts the keys of an object in order; false if one is there twice.
bool sort_keys(Json& object) {
    const auto count = object.keys.size();
    if (!std::is_sorted(object.keys.begin(), object.keys.end())) {
        std::vector<std::uint32_t> order(count);
        std::iota(order.begin(), order.end(), 0U);
        std::sort(order.begin(), order.end(),
                  [&](std::uint32_t a, std::uint32_t b) { return object.keys[a] < object.keys[b]; });
        std::vector<std::string> keys;
        std::vector<Json> items;
        for (const std::uint32_t i : order) {
            keys.push_back(std::move(object.keys[i]));
            items.push_back(std::move(object.items[i]));
        }
        object.keys = std::move(keys);
        object.items = std::move(items);
    }
    return std::adjacent_find(object.keys.begin(), object.keys.end()) == object.keys.end();
}

class Reader {
   public:
    explicit Reader(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

    Json document() {
        Json value = any(0);
        skip_space();
        require(at_ == end_);
        return value;
    }

   private:
    static void require(bool condition) { fastnn::require(condition, FASTNN_BAD_FILE); }

    // 0 at the end, which no rule takes.
    char peek() const { return at_ < end_ ? *at_ : '\0'; }
    unsigned char byte() const { return static_cast<unsigned char>(peek()); }

    void skip_space() {
        while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
    }

    bool take(std::string_view wanted) {
        if (std::string_view(at_, static_cast<std::size_t>(end_ - at_)).substr(0, wanted.size()) != wanted)
            return false;
        at_ += wanted.size();
        return true;
    }

    Json any(int depth) {
        require(depth < kDeepest);
        skip_space();
        switch (peek()) {
            case '{':
                return list(depth, true);
            case '[':
                return list(depth, false);
            case '"':
                return Json::string(string());
            default:
                break;
        }
        if (take("null")) return Json();
        if (take("true")) return Json::boolean(true);
        if (take("false")) return Json::boolean(false);
        if (take("NaN")) return Json::real(read_decimal("1e99999") - read_decimal("1e99999"));
        if (take("Infinity")) return Json::real(read_decimal("1e99999"));
        if (take("-Infinity")) return Json::real(read_decimal("-1e99999"));
        return number();
    }

    // An object or an array.
    Json list(int depth, bool is_object) {
        const char end = is_object ? '}' : ']';
        Json result = is_object ? Json::object() : Json::array({});
        ++at_;
        skip_space();
        bool more = peek() != end;
        while (more) {
            if (is_object) {
                skip_space();
                require(peek() == '"');
                result.keys.push_back(string());
                skip_space();
                require(take(":"));
            }
            result.items.push_back(any(depth + 1));
            skip_space();
            more = take(",");
        }
        require(peek() == end);
        ++at_;
        require(sort_keys(result));
        return result;
    }

    void digits() {
        require(is_digit());
        while (is_digit()) ++at_;
    }
    bool is_digit() const { return peek() >= '0' && peek() <= '9'; }

    Json number() {
        const char* const begin = at_;
        const bool is_negative = take("-");
        const bool is_zero = take("0");
        if (!is_zero) digits();
        const char* const whole = at_;
        if (take(".")) digits();
        if (peek() == 'e' || peek() == 'E') {
            ++at_;
            if (!take("+")) take("-");
            digits();
        }
        const std::string_view text(begin, static_cast<std::size_t>(at_ - begin));
        require(text.size() <= kMostDecimal);
        Json result = Json::real(read_decimal(text));
        if (at_ == whole) {
            result.type = Json::Type::integer;
            result.text = is_zero && is_negative ? "0" : text;
        }
        return result;
    }

    std::uint32_t hex4() {
        std::uint32_t value = 0;
        for (int i = 0; i < 4; ++i, ++at_) {
            const char c = peek(), lower = static_cast<char>(c | 0x20);
            const bool is_letter = lower >= 'a' && lower <= 'f';
            require(is_digit() || is_letter);
            value = value * 16 + static_cast<std::uint32_t>(is_letter ? lower - 'a' + 10 : c - '0');
        }
        return value;
    }

    void escape(std::string& to) {
        const char c = peek();
        require(at_ < end_);
        ++at_;
        if (c != 'u') {
            static constexpr std::string_view kNames = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
            const std::size_t index = kNames.find(c);
            require(index != std::string_view::npos);
            to += kMeanings[index];
            return;
        }
        std::uint32_t code = hex4();
        require(code < 0xDC00 || code > 0xDFFF);
        if (code >= 0xD800 && code <= 0xDBFF) {
            require(take("\\u"));
            const std::uint32_t low = hex4();
            require(low >= 0xDC00 && low <= 0xDFFF);
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        append_utf8(code, to);
    }

    // A character of several bytes (The Unicode Standard, table 3-7: no overlong form, no surrogate, no more than
    // 10FFFF).
    void long_character(std::string& to) {
        const unsigned char first = byte();
        const int following = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
        require(first >= 0xC2 && first <= 0xF4 && end_ - at_ > following);
        const auto second = static_cast<unsigned char>(at_[1]);
        require(!(first == 0xE0 && second < 0xA0) && !(first == 0xED && second > 0x9F) &&
                !(first == 0xF0 && second < 0x90) && !(first == 0xF4 && second > 0x8F));
        for (int i = 1; i <= following; ++i) require((static_cast<unsigned char>(at_[i]) & 0xC0) == 0x80);
        to.append(at_, static_cast<std::size_t>(following) + 1);
        at_ += following + 1;
    }

    std::string string() {
        std::string result;
        ++at_;
        while (peek() != '"') {
            require(byte() >= 0x20);
            if (take("\\")) {
                escape(result);
            } else if (byte() < 0x80) {
                result += *at_++;
            } else {
                long_character(result);
            }
        }
        ++at_;
        return result;
    }

    const char* at_;
    const char* end_;
};

}  // namespace

Json parse_json(std::string_view text) { return Reader(text).document(); }

}  // namespace fastnn
