//===- Options.cpp - command lines as tables ----------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Options.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

using namespace llvm;
using namespace sinter::tools;

char UsageError::ID;

static Error usage(const Twine &text) { return make_error<UsageError>(text); }

void Command::positional(StringRef metavar, StringRef help, std::string &value) {
  positionals.push_back({metavar.str(), help.str(), &value});
}

void Command::option(StringRef name, StringRef metavar, StringRef help, Setter set) {
  options.push_back({name.str(), metavar.str(), help.str(), std::move(set)});
}

void Command::option(StringRef name, StringRef metavar, StringRef help, std::string &value) {
  option(name, metavar, help, [&value](StringRef text) {
    value = text.str();
    return Error::success();
  });
}

void Command::option(StringRef name, StringRef metavar, StringRef help, std::vector<std::string> &values) {
  option(name, metavar, help, [&values](StringRef text) {
    values.push_back(text.str());
    return Error::success();
  });
}

/// Numbers of threads, tokens and the like, which the runtime takes as 32 bits.
static constexpr int64_t kLargest = INT32_MAX;

static Error parseInteger(StringRef text, int64_t min, int64_t max, int64_t &value) {
  if (text.getAsInteger(10, value))
    return createStringError("is no whole number");
  if (value < min)
    return createStringError("is less than " + Twine(min));
  if (value > max)
    return createStringError("is more than " + Twine(max));
  return Error::success();
}

void Command::option(StringRef name, StringRef metavar, StringRef help, std::optional<int64_t> &value, int64_t min) {
  option(name, metavar, help, [&value, min](StringRef text) { return parseInteger(text, min, kLargest, value.emplace()); });
}

void Command::option(StringRef name, StringRef metavar, StringRef help, int64_t &value, int64_t min) {
  option(name, metavar, help, [&value, min](StringRef text) { return parseInteger(text, min, kLargest, value); });
}

void Command::option(StringRef name, StringRef metavar, StringRef help, double &value, double max) {
  option(name, metavar, help, [&value, max](StringRef text) -> Error {
    if (text.getAsDouble(value) || !(value >= 0 && value <= max))
      return createStringError("is no number from 0 to " + Twine(int64_t(max)));
    return Error::success();
  });
}

void Command::option(StringRef name, StringRef metavar, StringRef help, std::vector<int64_t> &values, int64_t min) {
  option(name, metavar, help, [&values, min](StringRef text) -> Error {
    values.clear();
    SmallVector<StringRef> parts;
    text.split(parts, ',');
    for (StringRef part : parts)
      if (Error error = parseInteger(part.trim(), min, kLargest, values.emplace_back()))
        return createStringError("is no list of numbers: '" + part + "' " + toString(std::move(error)));
    return Error::success();
  });
}

void Command::flag(StringRef name, StringRef help, bool &value) {
  option(name, "", help, [&value](StringRef) {
    value = true;
    return Error::success();
  });
}

StringRef sinter::tools::nearest(StringRef word, ArrayRef<StringRef> words) {
  StringRef best;
  unsigned limit = word.size() / 3 + 1, distance = limit + 1;
  for (StringRef candidate : words) {
    unsigned edits = candidate.starts_with(word) && word.size() > 1 ? 1 : word.edit_distance(candidate, true, limit);
    if (edits < distance)
      distance = edits, best = candidate;
  }
  return best;
}

Error Command::unknown(StringRef argument) const {
  std::vector<std::string> storage = {"--help"};
  for (const Option &option : options)
    storage.push_back(option.dashed());
  std::vector<StringRef> names(storage.begin(), storage.end());
  StringRef suggestion = nearest(argument.split('=').first, names);
  if (suggestion.empty())
    return usage("unknown option '" + argument + "' (see 'sinter " + name + " --help')");
  return usage("unknown option '" + argument + "', did you mean '" + suggestion + "'?");
}

Expected<bool> Command::parse(ArrayRef<StringRef> arguments, raw_ostream &os) const {
  size_t given = 0;
  bool onlyPositionals = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    StringRef argument = arguments[i];
    if (!onlyPositionals && argument == "--") {
      onlyPositionals = true;
      continue;
    }
    if (onlyPositionals || argument.size() < 2 || argument[0] != '-') {
      if (given == positionals.size())
        return usage("unexpected argument '" + argument + "' (see 'sinter " + name + " --help')");
      if (argument.empty())
        return usage("no " + positionals[given].metavar + " is given: the argument is empty");
      *positionals[given++].value = argument.str();
      continue;
    }
    if (argument == "--help" || argument == "-h") {
      printHelp(os);
      return false;
    }
    auto [key, value] = argument.split('=');
    bool hasValue = key.size() != argument.size();
    StringRef bare = key.starts_with("--") ? key.drop_front(2) : key.drop_front(1);
    auto option = find_if(options, [&](const Option &option) {
      return option.name == bare && (option.name.size() == 1) != key.starts_with("--");
    });
    if (option == options.end())
      return unknown(argument);
    if (option->isFlag()) {
      if (hasValue)
        return usage("'" + key + "' takes no value");
    } else if (!hasValue) {
      if (++i == arguments.size())
        return usage("'" + key + "' needs a value: " + key + (option->name.size() == 1 ? " " : "=") + option->metavar);
      value = arguments[i];
    }
    if (Error error = option->set(value))
      return usage("'" + key + "': '" + value + "' " + toString(std::move(error)));
  }
  if (given < positionals.size())
    return usage("no " + positionals[given].metavar + " is given (see 'sinter " + name + " --help')");
  return true;
}

/// Prints `text` in lines of up to 100 columns from column `indent`, where the cursor is.
static void printWrapped(raw_ostream &os, StringRef text, unsigned indent) {
  constexpr unsigned width = 100;
  unsigned column = indent;
  for (StringRef word; !text.empty();) {
    std::tie(word, text) = text.split(' ');
    if (column > indent && column + 1 + word.size() > width) {
      os << '\n';
      os.indent(indent);
      column = indent;
    } else if (column > indent) {
      os << ' ';
      ++column;
    }
    os << word;
    column += word.size();
  }
  os << '\n';
}

void Command::printHelp(raw_ostream &os) const {
  os << "sinter " << name << ": " << summary << "\n\nUsage: sinter " << name;
  for (const Positional &positional : positionals)
    os << ' ' << positional.metavar;
  os << " [options]\n\nExamples:\n";
  for (auto &[line, meaning] : examples) {
    os << "  " << line << "\n      ";
    printWrapped(os, meaning, 6);
  }
  constexpr unsigned column = 28;
  auto row = [&](const std::string &left, StringRef help) {
    os << "  " << left;
    if (left.size() + 4 > column)
      os << '\n' << std::string(column, ' ');
    else
      os.indent(column - 2 - left.size());
    printWrapped(os, help, column);
  };
  os << "\nArguments:\n";
  for (const Positional &positional : positionals)
    row(positional.metavar, positional.help);
  os << "\nOptions:\n";
  for (const Option &option : options)
    row(option.dashed() + (option.isFlag() ? "" : (option.name.size() == 1 ? " " : "=") + option.metavar), option.help);
  row("--help", "print this");
}
