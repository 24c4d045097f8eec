//! Runs made by hand are compared.

#[cfg(test)]
mod alleles;
#[cfg(test)]
mod folders;
#[cfg(test)]
mod mirror;
#[cfg(test)]
mod risks;
#[cfg(test)]
mod whole;
