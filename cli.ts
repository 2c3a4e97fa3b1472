#!/usr/bin/env node
console.log('tutti');
