//===- Normalizer.cpp - changes of the whole text -----------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Tokenizer/Pipeline.h"
#include "tools/sinter/Tokenizer/Unicode.h"

using namespace llvm;
using namespace sinter;

Expected<Pattern> Pattern::create(const json::Object &step) {
  Pattern pattern;
  const json::Object *object = step.getObject("pattern");
  if (!object)
    return createStringError("a step has no pattern");
  if (auto text = object->getString("String")) {
    if (text->empty())
      return createStringError("a step has an empty pattern");
    pattern.literal = text->str();
    return pattern;
  }
  auto text = object->getString("Regex");
  if (!text)
    return createStringError("a step's pattern is neither String nor Regex");
  Expected<Regex> regex = Regex::compile(*text);
  if (!regex)
    return regex.takeError();
  pattern.regex = std::make_shared<Regex>(std::move(*regex));
  return pattern;
}

void Pattern::split(StringRef text, function_ref<void(size_t, size_t, bool)> found) const {
  size_t done = 0;
  auto match = [&](size_t begin, size_t end) {
    if (done < begin)
      found(done, begin, false);
    found(begin, end, true);
    done = end;
  };
  if (regex) {
    CodePoints points(text);
    for (size_t at = 0; at < points.points.size();) {
      int64_t end = regex->matchAt(points.points, at);
      if (end <= int64_t(at)) {
        ++at;
        continue;
      }
      match(points.offsets[at], points.offsets[end]);
      at = end;
    }
  } else {
    for (size_t at = text.find(literal); at != StringRef::npos; at = text.find(literal, at + literal.size()))
      match(at, at + literal.size());
  }
  if (done < text.size())
    found(done, text.size(), false);
}

namespace {
struct Sequence : Normalizer {
  std::vector<std::unique_ptr<Normalizer>> steps;
  std::string apply(StringRef text) const override {
    std::string out = text.str();
    for (auto &step : steps)
      out = step->apply(out);
    return out;
  }
};

struct Prepend : Normalizer {
  std::string prefix;
  std::string apply(StringRef text) const override { return text.empty() ? "" : prefix + text.str(); }
};

struct Replace : Normalizer {
  Pattern pattern;
  std::string content;
  std::string apply(StringRef text) const override {
    std::string out;
    out.reserve(text.size());
    pattern.split(text, [&](size_t begin, size_t end, bool matches) {
      out += matches ? StringRef(content) : text.slice(begin, end);
    });
    return out;
  }
};

struct Strip : Normalizer {
  bool left, right;
  std::string apply(StringRef text) const override {
    CodePoints points(text);
    size_t begin = 0, end = points.points.size();
    while (left && begin < end && unicode::isWhitespace(points.points[begin]))
      ++begin;
    while (right && begin < end && unicode::isWhitespace(points.points[end - 1]))
      --end;
    return text.slice(points.offsets[begin], points.offsets[end]).str();
  }
};

struct NormalForm : Normalizer {
  std::string (*form)(StringRef);
  explicit NormalForm(std::string (*form)(StringRef)) : form(form) {}
  std::string apply(StringRef text) const override { return form(text); }
};
} // namespace

Expected<std::unique_ptr<Normalizer>> Normalizer::create(const json::Value *value) {
  if (!value || value->getAsNull())
    return nullptr;
  const json::Object *step = value->getAsObject();
  StringRef type = step ? step->getString("type").value_or("") : "";
  if (type == "NFC")
    return std::make_unique<NormalForm>(unicode::toNFC);
  if (type == "NFD")
    return std::make_unique<NormalForm>(unicode::toNFD);
  if (type == "Prepend") {
    auto prepend = std::make_unique<Prepend>();
    prepend->prefix = step->getString("prepend").value_or("").str();
    return prepend;
  }
  if (type == "Strip") {
    auto strip = std::make_unique<Strip>();
    strip->left = step->getBoolean("strip_left").value_or(true);
    strip->right = step->getBoolean("strip_right").value_or(true);
    return strip;
  }
  if (type == "Replace") {
    auto replace = std::make_unique<Replace>();
    Expected<Pattern> pattern = Pattern::create(*step);
    if (!pattern)
      return pattern.takeError();
    replace->pattern = std::move(*pattern);
    replace->content = step->getString("content").value_or("").str();
    return replace;
  }
  const json::Array *list = type == "Sequence" ? step->getArray("normalizers") : nullptr;
  if (!list)
    return createStringError("normalizer '" + type + "' is not supported");
  auto sequence = std::make_unique<Sequence>();
  for (const json::Value &part : *list) {
    Expected<std::unique_ptr<Normalizer>> inner = create(&part);
    if (!inner)
      return inner.takeError();
    if (*inner)
      sequence->steps.push_back(std::move(*inner));
  }
  return sequence;
}
