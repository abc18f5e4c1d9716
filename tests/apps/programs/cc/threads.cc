// exceptions through threads, futures and the standard containers

#include <future>
#include <iostream>
#include <map>
#include <stdexcept>
#include <thread>
#include <vector>

int main()
{
	std::vector<std::future<long>> parts;
	for (int n = 0; n < 8; n++)
		parts.push_back(std::async(std::launch::async, [n] {
			if (n == 5)
				throw std::runtime_error("five");
			long sum = 0;
			for (int i = 0; i < 100000; i++)
				sum += i % (n + 1);
			return sum;
		}));
	std::map<std::string, long> results;
	for (auto &part : parts) {
		try {
			results["sum"] += part.get();
		} catch (const std::exception &error) {
			results[error.what()]++;
		}
	}
	for (auto &[name, value] : results)
		std::cout << name << "=" << value << " ";
	std::cout << std::endl;
}
