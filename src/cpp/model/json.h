// Documents of JSON as Python's json module reads and writes them: the smallest reader and writer that keep the promise
// of the checksum, that what is read is written again to the same bytes.
#ifndef FASTNN_MODEL_JSON_H
#define FASTNN_MODEL_JSON_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fastnn {

struct Json {
    enum class Type { null, boolean, integer, real, string, array, object };

    Json() = default;
    static Json boolean(bool value);
    static Json integer(std::int64_t value);
    static Json real(double value);
    static Json string(std::string value);
    static Json array(std::vector<Json> items);
    static Json object();

    bool is(Type wanted) const { return type == wanted; }
    bool is_number() const { return type == Type::integer || type == Type::real; }
    // Whether it is this string.
    bool is(std::string_view wanted) const { return type == Type::string && text == wanted; }
    // The integer, if it is one and fits.
    bool read(std::int64_t& value) const;

    // The value of a key of an object, or null.
    const Json* find(std::string_view key) const;
    // Adds a key to an object, or gives it another value.
    void set(std::string_view key, Json value);
    void remove(std::string_view key);

    Type type = Type::null;
    double number = 0.0;            // of a boolean, an integer or a real
    std::string text;               // a string in UTF-8; an integer's digits: it may have any number of them
    std::vector<Json> items;        // of an array or an object
    std::vector<std::string> keys;  // an object's, one for each item, ascending
};

// The document in a text. NaN, Infinity and -Infinity are numbers, as Python writes them. Throws Failure
// (FASTNN_BAD_FILE) if the text is no JSON or no UTF-8, nests deeper than 64 levels, has a key twice in one object,
// half a surrogate pair, or a number of more digits than any file of fastnn.
Json parse_json(std::string_view text);

// Python's json.dumps(sort_keys=True): ASCII alone, ", " and ": " between.
std::string write_json(const Json& value);
// A string with its quotes, as in there; or compact, with UTF-8 as it is.
void write_json_string(std::string_view value, bool ascii, std::string& to);

}  // namespace fastnn

#endif
