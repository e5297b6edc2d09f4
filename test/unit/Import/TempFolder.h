//===- TempFolder.h - files of a test ---------------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TEST_UNIT_IMPORT_TEMPFOLDER_H
#define SINTER_TEST_UNIT_IMPORT_TEMPFOLDER_H

#include <filesystem>
#include <fstream>
#include <string>
#include <stdlib.h>

/// A folder that lasts as long as the object.
class TempFolder {
public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sinter-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path); }

  std::string write(const std::string &name, const std::string &bytes) const {
    std::string file = path + "/" + name;
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file;
  }

  std::string path;
};

#endif // SINTER_TEST_UNIT_IMPORT_TEMPFOLDER_H
