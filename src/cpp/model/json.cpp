// Our own, of 300 lines, because a library (nlohmann/json, simdjson, RapidJSON) would have to be found or downloaded by
// every build from source, is larger than all of this folder, and writes numbers in other ways than Python.
#include "json.h"

#include <algorithm>
#include <charconv>

namespace fastnn {

Json Json::boolean(bool value) {
    Json result;
    result.type = Type::boolean;
    result.number = value ? 1.0 : 0.0;
    return result;
}

Json Json::integer(std::int64_t value) {
    Json result;
    result.type = Type::integer;
    result.number = static_cast<double>(value);
    result.text = std::to_string(value);
    return result;
}

Json Json::real(double value) {
    Json result;
    result.type = Type::real;
    result.number = value;
    return result;
}

Json Json::string(std::string value) {
    Json result;
    result.type = Type::string;
    result.text = std::move(value);
    return result;
}

Json Json::array(std::vector<Json> items) {
    Json result;
    result.type = Type::array;
    result.items = std::move(items);
    return result;
}

Json Json::object() {
    Json result;
    result.type = Type::object;
    return result;
}

bool Json::read(std::int64_t& value) const {
    if (type != Type::integer) return false;
    const char* const end = text.data() + text.size();
    const std::from_chars_result result = std::from_chars(text.data(), end, value);
    return result.ec == std::errc() && result.ptr == end;
}

const Json* Json::find(std::string_view key) const {
    const auto place = std::lower_bound(keys.begin(), keys.end(), key);
    return place != keys.end() && *place == key ? &items[static_cast<std::size_t>(place - keys.begin())] : nullptr;
}

void Json::set(std::string_view key, Json value) {
    const auto place = std::lower_bound(keys.begin(), keys.end(), key);
    const auto index = place - keys.begin();
    if (place != keys.end() && *place == key) {
        items[static_cast<std::size_t>(index)] = std::move(value);
        return;
    }
    keys.emplace(place, key);
    items.insert(items.begin() + index, std::move(value));
}

void Json::remove(std::string_view key) {
    const Json* const value = find(key);
    if (value == nullptr) return;
    const auto index = value - items.data();
    keys.erase(keys.begin() + index);
    items.erase(items.begin() + index);
}

}  // namespace fastnn
